package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(Served.class)
@Timeout(60)
class StaticFilesTest {
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

  @Test
  void thePageIsServedAndRemembered() {
    Client.Reply page = client.get("/");
    assertEquals(200, page.status());
    assertTrue(page.body().contains("<title>coreinfer</title>"));
    assertEquals("text/html; charset=utf-8", page.header("Content-Type").orElse(""));
    assertEquals("nosniff", page.header("X-Content-Type-Options").orElse(""));
    assertTrue(page.header("Content-Security-Policy").orElse("").contains("default-src 'none'"));
    assertEquals(page.body(), client.get("/index.html").body());
    String tag = page.header("ETag").orElseThrow();
    Client.Reply again = Client.send(client.request("/").header("If-None-Match", tag).GET());
    assertEquals(304, again.status());
    assertEquals("", again.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/../Server.class",
        "/web/../../Server.class",
        "/..%2fServer.class",
        "/%2e%2e/Server.class",
        "/%2e%2e%2fServer.class",
        "/..\\Server.class",
        "//etc/passwd",
        "/./index.html",
        "/index.html/",
        "/index.html/../index.html",
        "/index.html%00.html",
        "/index.htm",
        "/index",
        "/.html",
        "/a/.html",
        "/\u202elmth.xedni",
        "/index.html;x=.html",
        "/v1/index.html",
        "/v1/",
        "/../../../../../../../../etc/hosts.txt",
        "/META-INF/MANIFEST.MF",
      })
  void nothingElseIsServed(String path) throws Exception {
    String reply =
        client.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assertTrue(reply.startsWith("HTTP/1.1 40"), reply);
    assertFalse(reply.contains("\u00ca\u00fe\u00ba\u00be") || reply.contains("root:"), reply);
  }
}
