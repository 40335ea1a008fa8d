package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.coreinfer.Calibrations;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreWish;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.sampling.SamplingOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Served.class)
@Timeout(60)
class CompletionsTest {
  private static final String STORY = "Once upon a time";

  private static Server server;
  private static Client client;

  @BeforeAll
  static void start() {
    server = Served.start();
    client = new Client(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static String tokens(String text) {
    return Arrays.toString(Served.model().tokenizer().encode(text, true, true));
  }

  private static String greedy(CoreOptions core, int tokens) {
    try (Session session = Served.model().newSession(core)) {
      return session.generate(GenerationRequest.of(STORY).maxTokens(tokens).build()).text();
    }
  }

  @Test
  void greedyTextIsTheLibrarys() {
    String dense = "'temperature': 0, 'max_tokens': 12, 'coreinfer': {'method': 'dense'}";
    Client.Reply reply =
        client.ask("/v1/completions", "{'prompt': '" + STORY + "', " + dense + "}");
    assertEquals(greedy(CoreOptions.dense(), 12), reply.text());
    assertEquals("length", reply.choice().get("finish_reason").getAsString());
    assertEquals("text_completion", reply.json().get("object").getAsString());
    CoreWish wish = new CoreWish(Method.STABILITY, null, null, 0.3, null, null, null, null, null);
    String core = dense.replace("'method': 'dense'", "'method': 'stability', 'keep': 0.3");
    assertEquals(
        greedy(wish.resolve(Calibrations.of(null), part -> part), 12),
        client.ask("/completions", "{'prompt': '" + STORY + "', " + core + "}").text());
  }

  @Test
  void anAnswerCanKeepToAGrammar() {
    String fields = "'prompt': 'Once', 'seed': 4, 'max_tokens': 60, 'grammar': ";
    Client.Reply reply =
        client.ask(
            "/v1/completions",
            "{" + fields + "'root ::= [A-Z] [a-z]{2,5} (\\\". \\\" | [!?]){2}'}");
    assertTrue(reply.text().matches("[A-Z][a-z]{2,5}(\\. |[!?]){2}"), reply.text());
    assertEquals("stop", reply.choice().get("finish_reason").getAsString());
  }

  @Test
  void penaltiesAndBiasesAreThoseOfTheLibrary() {
    SamplingOptions sampling =
        SamplingOptions.GREEDY
            .withFrequencyPenalty(1.5)
            .withPresencePenalty(0.5)
            .withLogitBias(Map.of(100, -100.0, 300, 5.0));
    GenerationRequest request =
        GenerationRequest.of(STORY).maxTokens(30).sampling(sampling).ignoreEos(true).build();
    String wanted;
    try (Session session = Served.model().newSession(CoreOptions.dense())) {
      wanted = session.generate(request).text();
    }
    String fields =
        "{'prompt': '%s', 'temperature': 0, 'max_tokens': 30, 'ignore_eos': true, %s"
            + " 'coreinfer': {'method': 'dense'}}";
    String adjusted =
        "'frequency_penalty': 1.5, 'presence_penalty': 0.5, 'logit_bias': {'100': -100, '300': 5},";
    assertEquals(wanted, client.ask("/v1/completions", fields.formatted(STORY, adjusted)).text());
    assertNotEquals(wanted, client.ask("/v1/completions", fields.formatted(STORY, "")).text());
  }

  @Test
  void aStreamIsTheSameTextInPieces() {
    String request = "{'prompt': 'One day', 'temperature': 0, 'max_tokens': 24";
    String whole = client.ask("/v1/completions", request + "}").text();
    List<JsonObject> chunks =
        client
            .ask(
                "/v1/completions",
                request + ", 'stream': true, 'stream_options': {'include_usage': true}}")
            .chunks();
    String joined =
        chunks.stream()
            .map(chunk -> chunk.getAsJsonArray("choices"))
            .filter(choices -> !choices.isEmpty())
            .map(choices -> choices.get(0).getAsJsonObject().get("text").getAsString())
            .collect(Collectors.joining());
    assertEquals(whole, joined);
    assertTrue(chunks.size() > 12, "as it comes: " + chunks.size());
    JsonObject usage = chunks.get(chunks.size() - 1).getAsJsonObject("usage");
    assertEquals(24, usage.get("completion_tokens").getAsInt());
    assertTrue(chunks.get(0).get("usage").isJsonNull());
  }

  @Test
  void aPromptIsTextOrTokensOneOrMany() {
    String rest = ", 'temperature': 0, 'max_tokens': 5}";
    String text = client.ask("/v1/completions", "{'prompt': '" + STORY + "'" + rest).text();
    String ids = tokens(STORY);
    String many = "[" + ids + ", " + tokens("One day") + ", " + ids + "]";
    for (String prompt : List.of("['" + STORY + "']", ids, "[" + ids + "]", many)) {
      Client.Reply reply = client.ask("/v1/completions", "{'prompt': " + prompt + rest);
      assertEquals(text, reply.text(), prompt);
    }
    JsonArray choices =
        client.ask("/v1/completions", "{'prompt': " + many + rest).json().getAsJsonArray("choices");
    assertEquals(3, choices.size());
    assertEquals(
        choices.get(0).getAsJsonObject().get("text"), choices.get(2).getAsJsonObject().get("text"));
    assertEquals(1, choices.get(1).getAsJsonObject().get("index").getAsInt());
    assertNotEquals(text, choices.get(1).getAsJsonObject().get("text").getAsString());
  }

  @Test
  void seedsDecideWhatIsDrawn() {
    String request = "{'prompt': 'One day', 'max_tokens': 12, 'temperature': 1.5, 'n': 2, 'seed': ";
    JsonArray one = client.ask("/v1/completions", request + "7}").json().getAsJsonArray("choices");
    JsonArray same = client.ask("/v1/completions", request + "7}").json().getAsJsonArray("choices");
    JsonArray other =
        client.ask("/v1/completions", request + "9}").json().getAsJsonArray("choices");
    assertEquals(one, same);
    assertNotEquals(one, other);
    assertNotEquals(
        one.get(0).getAsJsonObject().get("text"), one.get(1).getAsJsonObject().get("text"));
  }

  @Test
  void anAnswerEndsBeforeAStop() {
    String request = "{'prompt': '" + STORY + "', 'temperature': 0, 'max_tokens': 40, 'stop': ";
    for (String stop : List.of("'.'", "['zzz', '.']")) {
      Client.Reply reply = client.ask("/v1/completions", request + stop + "}");
      assertFalse(reply.text().contains("."), reply.text());
      assertEquals("stop", reply.choice().get("finish_reason").getAsString());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void echoGivesThePromptsLogProbabilities(int generated) {
    String ids = tokens(STORY);
    Client.Reply reply =
        client.ask(
            "/v1/completions",
            "{'prompt': %s, 'echo': true, 'max_tokens': %d, 'logprobs': 1, 'temperature': 0}"
                .formatted(ids, generated));
    JsonObject logprobs = reply.choice().getAsJsonObject("logprobs");
    int count = ids.split(",").length + generated;
    for (String key : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
      assertEquals(count, logprobs.getAsJsonArray(key).size(), key);
    }
    assertTrue(reply.text().startsWith(STORY), reply.text());
    assertEquals(generated == 0, reply.text().equals(STORY));
    List<Double> values = Client.numbers(logprobs.getAsJsonArray("token_logprobs"));
    assertTrue(values.get(0).isNaN());
    assertTrue(logprobs.getAsJsonArray("top_logprobs").get(0).isJsonNull());
    for (int i = 1; i < count; i++) {
      JsonObject top = logprobs.getAsJsonArray("top_logprobs").get(i).getAsJsonObject();
      String token = logprobs.getAsJsonArray("tokens").get(i).getAsString();
      assertTrue(values.get(i) <= 0, token);
      assertEquals(values.get(i), top.get(token).getAsDouble(), token);
      int start = logprobs.getAsJsonArray("text_offset").get(i).getAsInt();
      String shown = start == 0 ? token.stripLeading() : token; // a text has no space before it
      assertTrue(reply.text().startsWith(shown, start), token + " at " + start);
    }
    if (generated > 0) {
      assertEquals(
          STORY.length(), logprobs.getAsJsonArray("text_offset").get(count - generated).getAsInt());
    }
    assertEquals(
        generated, reply.json().getAsJsonObject("usage").get("completion_tokens").getAsInt());
  }

  @Test
  void streamedLogProbabilitiesAreTheWholeOnes() {
    String request =
        "{'prompt': '"
            + STORY
            + "', 'echo': true, 'logprobs': 2, 'max_tokens': 6, 'temperature': 0";
    JsonObject whole =
        client.ask("/v1/completions", request + "}").choice().getAsJsonObject("logprobs");
    for (String key : List.of("tokens", "text_offset", "token_logprobs")) {
      JsonArray joined = new JsonArray();
      for (JsonObject chunk :
          client.ask("/v1/completions", request + ", 'stream': true}").chunks()) {
        JsonElement part = chunk.getAsJsonArray("choices").get(0).getAsJsonObject().get("logprobs");
        joined.addAll(part.getAsJsonObject().getAsJsonArray(key));
      }
      assertEquals(whole.getAsJsonArray(key), joined, key);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'method':'dense',dense,1",
    "'keep':0.25,auto,0.25",
    "'method':'stability';'keep':0.5;'rule':'norm',stability,0.5",
    "'keep':0.5;'lossless':true,auto,0.5",
    "'max_kl':100,auto,0.1",
  })
  void whatWasComputedComesBack(String core, String method, double keep) {
    Client.Reply reply =
        client.ask(
            "/v1/completions",
            "{'prompt': '"
                + STORY
                + "', 'max_tokens': 8, 'coreinfer': {"
                + core.replace(';', ',')
                + "}}");
    JsonObject report = reply.json().getAsJsonObject("usage").getAsJsonObject("coreinfer");
    assertEquals(method, report.get("method").getAsString());
    if (!core.contains("max_kl")) {
      assertEquals(keep, report.get("keep").getAsDouble(), 1e-3);
      assertEquals(keep, report.get("keep_measured").getAsDouble(), 0.02);
    }
    assertEquals(core.contains("lossless"), report.has("lossless"));
    assertEquals(
        Served.model().config().layers(), report.getAsJsonArray("neurons_per_layer").size());
    assertTrue(report.getAsJsonObject("timings").get("prefill_ms").getAsDouble() > 0);
  }

  @Test
  void losslessTextIsDenseText() {
    String request = "{'prompt': 'One day', 'temperature': 0, 'max_tokens': 20, 'coreinfer': {%s}}";
    assertEquals(
        client.ask("/v1/completions", request.formatted("'method': 'dense'")).text(),
        client.ask("/v1/completions", request.formatted("'keep': 0.4, 'lossless': true")).text());
  }

  @Test
  void fieldsThatChangeNothingAreNamed() {
    Client.Reply reply =
        client.ask(
            "/v1/completions",
            "{'prompt': 'x', 'max_tokens': 1, 'user': 'me', 'a\\r\\nSet-Cookie: b': 1,"
                + " 'stream_options': {'x': 1}, 'coreinfer': {'keap': 1}, 'n': null}");
    String ignored = reply.header("X-Coreinfer-Ignored").orElse("");
    assertEquals(
        "user, a\\u000d\\u000aSet-Cookie:\\u0020b, coreinfer.keap, stream_options.x", ignored);
    assertTrue(reply.header("Set-Cookie").isEmpty());
  }
}
