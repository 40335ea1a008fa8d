package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpRequest;
import java.util.Optional;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Served.class)
@Timeout(60)
class AccessTest {
  private static final String KEY = "s3cret";

  private static Client.Reply withHeader(Client client, String path, String name, String value) {
    return Client.send(client.request(path).header(name, value).GET());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Bearer wrong",
        "Bearer s3cre",
        "Bearer s3cret2",
        "Bearer S3CRET",
        "Bearer",
        "Bearer ",
        "Basic s3cret",
        "s3cret",
        "Bearer s3cret, Bearer s3cret",
      })
  void aWrongKeyOpensNothing(String header) {
    try (Server server = Served.start(builder -> builder.apiKey(KEY))) {
      Client client = new Client(server);
      for (String path :
          new String[] {"/v1/models", "/models", "/metrics", "/v1/models/embedded"}) {
        Client.Reply reply = withHeader(client, path, "Authorization", header);
        assertEquals("invalid_api_key", reply.error(401).get("code").getAsString());
        assertEquals(Optional.of("Bearer realm=\"coreinfer\""), reply.header("WWW-Authenticate"));
        assertFalse(reply.body().contains(KEY));
      }
    }
  }

  @Test
  void theRightKeyOpensWhatNeedsOne() {
    try (Server server = Served.start(builder -> builder.apiKey(KEY))) {
      Client client = new Client(server);
      client.get("/v1/models").error(401);
      client.post("/v1/completions", "{\"prompt\": \"x\"}").error(401);
      client.post("/tokenize", "not read at all").error(401);
      withHeader(client, "/v1/models", "Authorization", "Bearer " + KEY).json();
      withHeader(client, "/v1/models", "authorization", "bearer " + KEY).json();
      client.get("/health").json();
      client.get("/ready").json();
      assertEquals(200, client.get("/").status());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", " key", "key\n"})
  void aKeyThatNobodyCouldSendIsNone(String key) {
    Server.Builder builder = Server.builder(Served.model());
    assertThrows(IllegalArgumentException.class, () -> builder.apiKey(key));
  }

  @Test
  void otherMachinesNeedAKeyUnlessAsked() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> Served.start(builder -> builder.host("0.0.0.0")));
    assertTrue(
        String.valueOf(e.getMessage()).startsWith("host 0.0.0.0: other machines reach it"),
        e.getMessage());
    Served.start(builder -> builder.host("0.0.0.0").allowNoKey(true)).close();
    Served.start(builder -> builder.host("0.0.0.0").apiKey(KEY)).close();
  }

  @Test
  void aPortThatIsTakenIsOneSentence() {
    try (Server server = Served.start()) {
      CoreInferException e =
          assertThrows(
              CoreInferException.class, () -> Served.start(builder -> builder.port(server.port())));
      assertTrue(String.valueOf(e.getMessage()).contains("port " + server.port()), e.getMessage());
      assertTrue(String.valueOf(e.getMessage()).contains("--port"), e.getMessage());
    }
    assertThrows(
        CoreInferException.class, () -> Served.start(builder -> builder.host("no.such.invalid")));
  }

  @ParameterizedTest
  @CsvSource({
    "localhost, 200",
    "LOCALHOST:1234, 200",
    "127.0.0.1:80, 200",
    "[::1]:80, 200",
    "app.localhost, 200",
    "evil.example, 403",
    "127.0.0.1.evil.example, 403",
    "localhost.evil.example:80, 403",
  })
  void aNameThatIsNotThisMachineIsRefused(String host, int status) throws Exception {
    try (Server server = Served.start()) {
      String request = "GET /v1/models HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
      assertTrue(new Client(server).raw(request).startsWith("HTTP/1.1 " + status), host);
    }
  }

  @Test
  void pagesOfOtherSitesMayNotAskUnlessAllowed() {
    try (Server server = Served.start()) {
      Client client = new Client(server);
      Client.Reply foreign = withHeader(client, "/v1/models", "Origin", "https://evil.example");
      assertEquals("foreign_origin", foreign.error(403).get("code").getAsString());
      assertEquals(403, withHeader(client, "/v1/models", "Origin", "null").status());
      assertTrue(foreign.header("Access-Control-Allow-Origin").isEmpty());
      Client.Reply own = withHeader(client, "/v1/models", "Origin", server.url());
      assertEquals(200, own.status());
    }
    String site = "https://app.example";
    try (Server server = Served.start(builder -> builder.corsOrigin(site))) {
      Client client = new Client(server);
      Client.Reply reply = withHeader(client, "/v1/models", "Origin", site);
      assertEquals(Optional.of(site), reply.header("Access-Control-Allow-Origin"));
      assertEquals(403, withHeader(client, "/v1/models", "Origin", site + ".evil").status());
      HttpRequest.Builder preflight =
          client
              .request("/v1/chat/completions")
              .header("Origin", site)
              .header("Access-Control-Request-Method", "POST")
              .method("OPTIONS", HttpRequest.BodyPublishers.noBody());
      Client.Reply allowed = Client.send(preflight);
      assertEquals(204, allowed.status());
      assertTrue(allowed.header("Access-Control-Allow-Methods").orElse("").contains("POST"));
      assertTrue(
          allowed.header("Access-Control-Allow-Headers").orElse("").contains("Authorization"));
    }
  }
}
