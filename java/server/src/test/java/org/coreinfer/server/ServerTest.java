package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rest of the endpoints, and how a server ends. */
@ExtendWith(Served.class)
@Timeout(60)
class ServerTest {
  private static final String LONG =
      "{'prompt': 'One day', 'max_tokens': 100, 'ignore_eos': true, 'stream': true}";

  @Test
  void theModelIsTold() {
    try (Server server = Served.start(builder -> builder.alias("tales/small"))) {
      Client client = new Client(server);
      JsonObject listed =
          client.get("/v1/models").json().getAsJsonArray("data").get(0).getAsJsonObject();
      assertEquals("tales/small", listed.get("id").getAsString());
      assertEquals(Served.CONTEXT, listed.get("max_model_len").getAsInt());
      for (String name : List.of("tales/small", "tales%2Fsmall", "embedded")) {
        assertEquals(listed, client.get("/v1/models/" + name).json(), name);
        assertEquals(listed, client.get("/models/" + name).json(), name);
      }
      client.ask("/v1/completions", "{'prompt': 'x', 'model': 'embedded', 'max_tokens': 1}").json();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Once upon a time", "", "caf\u00e9 \ud83d\ude00 \u202e x", "a\\u0000b"})
  void tokensAreTheTokenizers(String text) {
    try (Server server = Served.start()) {
      Client client = new Client(server);
      String raw = text.replace("\\u0000", "\0");
      JsonObject whole = client.post("/tokenize", "{\"prompt\": \"" + text + "\"}").json();
      int[] expected = Served.model().tokenizer().encode(raw, true, true);
      assertEquals(
          Arrays.toString(expected), whole.getAsJsonArray("tokens").toString().replace(",", ", "));
      assertEquals(expected.length, whole.get("count").getAsInt());
      JsonObject piece =
          client
              .post("/v1/tokenize", "{\"content\": \"" + text + "\", \"with_pieces\": true}")
              .json();
      assertEquals(piece.getAsJsonArray("tokens").size(), piece.getAsJsonArray("pieces").size());
      JsonObject back =
          client.post("/detokenize", "{\"tokens\": " + whole.getAsJsonArray("tokens") + "}").json();
      assertEquals(raw, back.get("content").getAsString());
    }
  }

  @Test
  void specialTokensAreToldAsTheirTexts() {
    try (Server server = Served.start()) {
      Client client = new Client(server);
      JsonObject info = client.get("/tokenizer_info").json();
      String end = info.get("eos_token").getAsString();
      String body = "{\"prompt\": \"" + end + "\", \"add_special_tokens\": false}";
      assertEquals(
          "[" + Served.model().tokenizer().eosToken().orElseThrow() + "]",
          client.post("/tokenize", body).json().getAsJsonArray("tokens").toString());
      assertTrue(info.get("chat_template").getAsString().contains("messages"));
    }
  }

  @Test
  void metricsCountWhatHappened() {
    try (Server server = Served.start()) {
      Client client = new Client(server);
      client.ask("/v1/completions", "{'prompt': 'One', 'max_tokens': 5, 'temperature': 0}").json();
      client.ask("/v1/completions", "{'prompt': 5}").error(400);
      String metrics = client.get("/metrics").body();
      assertTrue(
          metrics.contains(
              "coreinfer_requests_total{endpoint=\"/completions\",status=\"200\"} 1.0"),
          metrics);
      assertTrue(
          metrics.contains(
              "coreinfer_requests_total{endpoint=\"/completions\",status=\"400\"} 1.0"));
      assertTrue(
          metrics
              .lines()
              .filter(line -> !line.startsWith("#"))
              .allMatch(line -> line.startsWith("coreinfer_")),
          metrics);
      Client.await(
          "histograms are filled",
          () -> client.metric("coreinfer_time_to_first_token_seconds_count") == 1);
      assertEquals(4, client.metric("coreinfer_time_per_token_seconds_count"));
      Client.await("the keep is told", () -> client.metric("coreinfer_keep_ratio_count") == 1);
      assertEquals(5, client.metric("coreinfer_generated_tokens_total"));
      assertEquals(0, client.metric("coreinfer_running"));
    }
  }

  @Test
  void stoppingLetsAnswersEndAndFreesThePort() throws Exception {
    Server server = Served.limited(limits -> limits.withSlots(1));
    Client client = new Client(server);
    int port = server.port();
    String whole;
    Thread stopper = new Thread(() -> server.stop(Duration.ofSeconds(20)));
    try (Socket socket = client.openRaw("/v1/completions", LONG.replace("}", ", 'n': 20}"))) {
      assertEquals('H', socket.getInputStream().read());
      Client.await("it runs", () -> client.metric("coreinfer_running") == 1);
      stopper.start();
      Client.await("it refuses", () -> client.get("/ready").status() == 503);
      Client.Reply refused = client.ask("/v1/completions", "{'prompt': 'x'}");
      assertEquals("stopping", refused.error(503).get("code").getAsString());
      client.get("/health").json();
      whole = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
    stopper.join();
    assertTrue(whole.contains("\"finish_reason\":\"length\""), whole);
    assertTrue(whole.contains("\"index\":19"), whole);
    assertTrue(whole.contains("data: [DONE]"), whole);
    assertThrows(
        IOException.class, () -> new Socket(InetAddress.getLoopbackAddress(), port).close());
    new ServerSocket(port).close();
    Served.start(builder -> builder.port(port)).close();
  }

  @Test
  void stoppingWithoutGraceCutsAnswersShort() throws Exception {
    Server server = Served.start(builder -> builder.limits(Limits.usual().withSlots(1)));
    Client client = new Client(server);
    String end;
    try (Socket socket = client.openRaw("/v1/completions", LONG.replace("}", ", 'n': 100}"))) {
      assertEquals('H', socket.getInputStream().read());
      Client.await("it runs", () -> client.metric("coreinfer_running") == 1);
      server.close();
      server.close();
      end = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
    assertTrue(end.contains("\"code\":\"stopping\""), end);
    assertFalse(end.contains("\"index\":99"), end);
  }

  @Test
  void aWholeAnswerThatIsCutShortAfterItsStatusEndsInTheMiddle() throws Exception {
    Server server = Served.start(builder -> builder.limits(Limits.usual().withSlots(1)));
    Client client = new Client(server);
    String end;
    try (Socket socket =
        client.openRaw(
            "/v1/completions", LONG.replace("'stream': true", "'stream': false, 'n': 100"))) {
      assertEquals('H', socket.getInputStream().read()); // with the first blank
      server.close();
      end = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
    assertTrue(end.contains("\"code\":\"stopping\""), end);
    assertFalse(end.endsWith("0\r\n\r\n"), end);
  }
}
