package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Base64;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.model.NeuronSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(Served.class)
@Timeout(60)
class CoreNeuronsTest {
  private static final String PROMPT = "One day a little boy found";
  private static final String ASK =
      "{'prompt': '%s', 'max_tokens': 20, 'temperature': 0, 'ignore_eos': true, 'coreinfer': {%s}%s}";
  private static final String STABLE = "'method': 'stability', 'keep': 0.4, 'neurons': true";

  private static Server server;
  private static Client client;

  @BeforeAll
  static void start() {
    server = Served.start(builder -> builder.calibration(null));
    client = new Client(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Client.Reply ask(String core, String more) {
    return client.ask("/v1/completions", ASK.formatted(PROMPT, core, more));
  }

  private static JsonObject report(Client.Reply reply) {
    return reply.json().getAsJsonObject("usage").getAsJsonObject("coreinfer");
  }

  /** Those chunks of a stream that tell which neurons are core. */
  private static List<JsonObject> told(Client.Reply reply) {
    return reply.chunks().stream()
        .filter(chunk -> chunk.has("coreinfer"))
        .map(chunk -> chunk.getAsJsonObject("coreinfer"))
        .toList();
  }

  private static void assertIs(NeuronSet expected, JsonObject told) {
    JsonArray layers = told.getAsJsonArray("core_neurons");
    assertEquals(expected.layers(), layers.size());
    assertEquals(expected.neurons(), told.get("neurons").getAsInt());
    assertEquals(
        Served.model().decoder().bytesPerToken(expected), told.get("bytes_per_token").getAsLong());
    for (int layer = 0; layer < layers.size(); layer++) {
      byte[] bits = Base64.getDecoder().decode(layers.get(layer).getAsString());
      assertEquals((expected.neurons() + 7) / 8, bits.length);
      BitSet ids = new BitSet();
      IntStream.of(expected.ids(layer)).forEach(ids::set);
      assertEquals(ids, BitSet.valueOf(bits), "layer " + layer);
    }
  }

  @Test
  void theyAreThoseThatTheAnswerComputes() {
    try (Session session = Served.model().newSession(CoreOptions.stability(0.4))) {
      session.generate(GenerationRequest.of(PROMPT).maxTokens(1).build());
      assertIs(session.neurons(), report(ask(STABLE, "")));
      List<JsonObject> told = told(ask(STABLE, ", 'stream': true"));
      assertEquals(1, told.size());
      assertIs(session.neurons(), told.get(0));
      assertEquals(0, told.get(0).get("answer").getAsInt());
    }
  }

  @Test
  void aStreamTellsThemBeforeItsTextAndWheneverTheyAreRenewed() {
    Client.Reply reply = ask(STABLE + ", 'refresh': 8", ", 'stream': true");
    assertTrue(reply.chunks().get(0).has("coreinfer"), reply.body());
    assertTrue(told(reply).size() > 1, reply.body());
  }

  @Test
  void denseDecodingHasAll() {
    Model model = Served.model();
    assertIs(model.decoder().allNeurons(), report(ask("'method': 'dense', 'neurons': true", "")));
  }

  @Test
  void eachAnswerHasItsOwn() {
    JsonArray answers = report(ask(STABLE, ", 'n': 2")).getAsJsonArray("answers");
    for (int i = 0; i < 2; i++) {
      assertTrue(answers.get(i).getAsJsonObject().has("core_neurons"), answers.toString());
    }
    List<JsonObject> told = told(ask(STABLE, ", 'n': 2, 'stream': true"));
    assertEquals(
        List.of(0, 1), told.stream().map(each -> each.get("answer").getAsInt()).sorted().toList());
  }

  @Test
  void chatsTellThemToo() {
    String chat =
        "{'messages': [{'role': 'user', 'content': 'Hi'}], 'max_tokens': 3, 'coreinfer': {%s}%s}";
    String whole = chat.formatted(STABLE, "");
    assertTrue(report(client.ask("/v1/chat/completions", whole)).has("core_neurons"));
    String stream = chat.formatted(STABLE, ", 'stream': true");
    assertEquals(1, told(client.ask("/v1/chat/completions", stream)).size());
  }

  @Test
  void nobodyHearsOfThemUnasked() {
    String plain = STABLE.replace(", 'neurons': true", "");
    assertFalse(report(ask(plain, "")).has("core_neurons"));
    assertEquals(List.of(), told(ask(plain, ", 'stream': true")));
    JsonObject error = ask("'neurons': 3", "").error(400);
    assertEquals("coreinfer.neurons", error.get("param").getAsString());
  }
}
