package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Served.class)
@Timeout(60)
class LimitsTest {
  private static final String LONG =
      "{'prompt': 'One day', 'max_tokens': 240, 'ignore_eos': true, 'n': 60, 'stream': true}";

  @Test
  void aBodyThatIsTooLargeIsRefused() {
    try (Server server = Served.limited(limits -> limits.withBodyBytes(1000))) {
      Client client = new Client(server);
      String fits = "{\"prompt\": \"x\", \"max_tokens\": 1}";
      client.post("/v1/completions", fits + " ".repeat(1000 - fits.length())).json();
      for (int bytes : new int[] {1001, 100_000, 3_000_000}) {
        Client.Reply reply =
            client.post("/v1/completions", fits + " ".repeat(bytes - fits.length()));
        assertEquals("body_too_large", reply.error(413).get("code").getAsString());
      }
      client.get("/health").json();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":"})
  void aBodyThatIsTooDeepIsRefused(String opening) {
    try (Server server = Served.start()) {
      Client client = new Client(server);
      String bomb = "{\"prompt\": " + opening.repeat(100_000);
      JsonObject error = client.post("/v1/completions", bomb).error(400);
      assertTrue(error.get("message").getAsString().contains("not valid JSON"), error.toString());
      assertEquals(400, client.post("/v1/chat/completions", bomb).status());
    }
  }

  @Test
  void headersThatAreTooLargeEndTheConnection() {
    try (Server server = Served.start()) {
      Client client = new Client(server);
      String start = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
      for (String bomb :
          List.of(
              start + "X: " + "x".repeat(200_000) + "\r\n\r\n",
              start + "X: y\r\n".repeat(5_000) + "\r\n",
              "GET /" + "x".repeat(200_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
        try {
          String reply = client.raw(bomb);
          assertTrue(reply.isEmpty() || reply.startsWith("HTTP/1.1 4"), reply);
        } catch (IOException e) {
          assertTrue(
              String.valueOf(e.getMessage()).matches("(?i).*(reset|broken pipe).*"),
              e.getMessage());
        }
      }
      client.get("/health").json();
    }
  }

  @Test
  void aFullQueueSaysWhenToComeBack() throws Exception {
    try (Server server = Served.limited(limits -> limits.withSlots(1).withQueue(1))) {
      Client client = new Client(server);
      List<Socket> busy = new ArrayList<>();
      busy.add(client.openRaw("/v1/completions", LONG));
      Client.await("one runs", () -> client.metric("coreinfer_running") == 1);
      busy.add(client.openRaw("/v1/completions", LONG));
      Client.await("one waits", () -> client.metric("coreinfer_waiting") == 1);
      Client.Reply reply = client.ask("/v1/completions", LONG);
      assertEquals("queue_full", reply.error(429).get("code").getAsString());
      assertTrue(Integer.parseInt(reply.header("Retry-After").orElseThrow()) >= 1);
      for (Socket socket : busy) {
        socket.close();
      }
      Client.await(
          "there is room",
          () -> client.metric("coreinfer_running") == 0 && client.metric("coreinfer_waiting") == 0);
    }
  }

  @Test
  void manyPromptsPassThroughAShortQueue() {
    try (Server server = Served.limited(limits -> limits.withSlots(2).withQueue(2))) {
      String prompts = "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']";
      Client.Reply reply =
          new Client(server).ask("/v1/completions", "{'prompt': " + prompts + ", 'max_tokens': 2}");
      assertEquals(9, reply.json().getAsJsonArray("choices").size());
    }
  }

  @Test
  void aRequestHasOnlySoManyAnswers() {
    try (Server server = Served.limited(limits -> limits.withPrompts(3))) {
      Client client = new Client(server);
      client.ask("/v1/completions", "{'prompt': ['a', 'b', 'c', 'd']}").error(400);
      client.ask("/v1/completions", "{'prompt': ['a', 'b'], 'n': 2}").error(400);
      client
          .ask("/v1/chat/completions", "{'messages': [{'role': 'user', 'content': 'x'}], 'n': 4}")
          .error(400);
    }
  }

  @Test
  void anAnswerHasOnlySoManyTokens() {
    try (Server server = Served.limited(limits -> limits.withTokens(5))) {
      JsonObject reply =
          new Client(server)
              .ask("/v1/completions", "{'prompt': 'One', 'max_tokens': 100, 'ignore_eos': true}")
              .json();
      assertEquals(5, reply.getAsJsonObject("usage").get("completion_tokens").getAsInt());
    }
  }

  @Test
  void aRequestHasOnlySoMuchTime() throws Exception {
    try (Server server =
        Served.limited(
            limits -> limits.withSlots(1).withTimeout(Duration.ofMillis(300)).withPrompts(400))) {
      Client client = new Client(server);
      // A queue of short answers, of which the last ones find no time.
      Client.Reply reply =
          client.ask(
              "/v1/completions",
              "{'prompt': 'One', 'max_tokens': 250, 'ignore_eos': true, 'temperature': 0}");
      if (reply.status() == 200) {
        JsonObject report = reply.json().getAsJsonObject("usage").getAsJsonObject("coreinfer");
        assertTrue(
            List.of("timed_out", "length").contains(report.get("finish_reason").getAsString()));
        assertEquals("length", reply.choice().get("finish_reason").getAsString());
      } else {
        assertEquals("timeout", reply.error(504).get("code").getAsString());
      }
    }
  }

  @Test
  void limitsThatAreNoneAreRefused() {
    Limits usual = Limits.usual();
    assertThrows(IllegalArgumentException.class, () -> usual.withSlots(0));
    assertThrows(IllegalArgumentException.class, () -> usual.withQueue(0));
    assertThrows(IllegalArgumentException.class, () -> usual.withBodyBytes(0));
    assertThrows(IllegalArgumentException.class, () -> usual.withPrompts(0));
    assertThrows(IllegalArgumentException.class, () -> usual.withTokens(-1));
    assertThrows(IllegalArgumentException.class, () -> usual.withTimeout(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> usual.withConnections(0));
  }
}
