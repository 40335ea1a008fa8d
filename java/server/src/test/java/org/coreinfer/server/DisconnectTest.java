package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that leave, and clients that do not read. */
@ExtendWith(Served.class)
@Timeout(60)
class DisconnectTest {
  private static final String LONG =
      "{'prompt': 'One day', 'max_tokens': 240, 'ignore_eos': true, 'n': 60";

  @ParameterizedTest
  @ValueSource(strings = {", 'stream': true}", "}"})
  void aClientThatLeavesFreesItsSlot(String end) throws Exception {
    try (Server server = Served.limited(limits -> limits.withSlots(1))) {
      Client client = new Client(server);
      Socket socket = client.openRaw("/v1/completions", LONG + end);
      Client.await("it runs", () -> client.metric("coreinfer_running") == 1);
      socket.close();
      Client.await("its slot is free", () -> client.metric("coreinfer_running") == 0);
      Client.await(
          "it counts",
          () -> client.get("/metrics").body().contains("/completions\",status=\"200\"} 1"));
    }
  }

  @Test
  void aClientThatLeavesTheQueueIsNotServed() throws Exception {
    try (Server server = Served.limited(limits -> limits.withSlots(1))) {
      Client client = new Client(server);
      List<Socket> before = new ArrayList<>(); // so many that the wait outlasts the heartbeats
      for (int i = 0; i < 40; i++) {
        before.add(client.openRaw("/v1/completions", LONG + ", 'stream': true}"));
      }
      Client.await("39 wait", () -> client.metric("coreinfer_waiting") >= 39);
      client.openRaw("/v1/completions", "{'prompt': 'x'}").close();
      client.openRaw("/v1/completions", "{'prompt': 'x', 'stream': true}").close();
      Client.await("they left", () -> client.metric("coreinfer_cancelled_total") >= 2);
      for (Socket socket : before) {
        socket.close();
      }
      Client.await("all is free", () -> client.metric("coreinfer_running") == 0);
    }
  }

  @Test
  void aClientThatReadsNothingHoldsNobodyUp() throws Exception {
    try (Server server =
        Served.limited(limits -> limits.withSlots(1).withStalledWrite(Duration.ofMillis(500)))) {
      Client client = new Client(server);
      try (Socket lazy = new Socket()) {
        lazy.setReceiveBufferSize(1024);
        lazy.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
        String body = LONG.replace('\'', '"') + ", \"stream\": true, \"logprobs\": 100}";
        String head =
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n";
        lazy.getOutputStream().write((head + body).getBytes(StandardCharsets.UTF_8));
        Client.await("it runs", () -> client.metric("coreinfer_running") == 1);
        // Its turns pass, or it is given up; either way this one comes to its end.
        String text = client.ask("/v1/completions", "{'prompt': 'x', 'max_tokens': 3}").text();
        assertEquals(false, text.isEmpty());
      }
      Client.await("all is free", () -> client.metric("coreinfer_running") == 0);
    }
  }
}
