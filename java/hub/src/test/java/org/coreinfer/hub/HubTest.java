package org.coreinfer.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.coreinfer.hub.ModelStore.StoredModel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubTest {
  private static final String FILE = "m-Q4_K_M.gguf";
  private static final ModelReference NAME = ModelReference.parse("o/m");

  @TempDir private Path folder;
  private BadServer server;
  private final byte[] content = new byte[700_001];
  private final List<String> notes = new ArrayList<>();

  @BeforeEach
  void open() throws IOException {
    server = new BadServer();
    new Random(1).nextBytes(content);
    server.files.put(FILE, content);
  }

  @AfterEach
  void close() {
    server.close();
  }

  private Hub hub() {
    return new Hub(
        new HubSettings(
            server.uri(), "hf_secret", folder, Duration.ofMillis(600), Duration.ofMillis(5), 3));
  }

  private StoredModel pull(String name) {
    return hub()
        .pull(
            ModelReference.parse(name),
            "main",
            new PullListener() {
              @Override
              public void note(String sentence) {
                notes.add(sentence);
              }
            });
  }

  private String refusal(String name) {
    return refusal(() -> pull(name));
  }

  private static String refusal(Executable work) {
    return String.valueOf(assertThrows(HubException.class, work).getMessage());
  }

  private void requirePulled() throws IOException {
    StoredModel model = pull("o/m");
    assertArrayEquals(content, Files.readAllBytes(model.path()));
    requireNothingElse();
  }

  /** No part of a file is left. */
  private void requireNothingElse() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("o/m"))) {
      List<String> names = files.map(path -> path.getFileName().toString()).sorted().toList();
      assertEquals(List.of(".lock", ".pulled.json", FILE), names);
    }
  }

  @Test
  void aModelIsPulledOnceAndThenFound() throws IOException {
    requirePulled();
    requirePulled();
    assertEquals(1, server.fileRequests().size());
    StoredModel model = hub().store().find(NAME).orElseThrow();
    assertEquals(new StoredModel("o/m:" + FILE, folder.resolve("o/m/" + FILE), 700_001), model);
    assertEquals(List.of(model), hub().store().list());
    assertEquals(model, hub().store().find(ModelReference.parse("o/m:q4_k_m")).orElseThrow());
    assertTrue(hub().store().find(ModelReference.parse("o/m:Q8_0")).isEmpty());
    assertTrue(hub().store().find(ModelReference.parse("o/other")).isEmpty());
  }

  @Test
  void aDroppedConnectionIsTakenUpWhereItEnded() throws IOException {
    server.onFile.add(server.dropsAfter(300_000));
    requirePulled();
    String etag = "\"" + BadServer.sha256(content) + "\"";
    assertEquals(etag, server.fileRequests().get(1).ifRange());
    assertTrue(server.fileRequests().get(1).range().matches("bytes=[1-9]\\d{3,}-"));
    assertTrue(notes.get(0).contains(FILE + ": "), notes.toString());
  }

  @Test
  void aLaterPullGoesOnFromAnEarlierOne() throws IOException {
    Hub hub = hub();
    PullListener cancels =
        new PullListener() {
          @Override
          public void progress(long bytes) {
            throw new IllegalStateException("cancelled");
          }
        };
    assertThrows(IllegalStateException.class, () -> hub.pull(NAME, "main", cancels));
    assertTrue(Files.exists(folder.resolve("o/m/" + FILE + ".part")));
    assertTrue(hub.store().list().isEmpty());
    requirePulled();
    assertFalse(server.fileRequests().get(1).range().isEmpty());
  }

  @Test
  void aServerThatIgnoresRangesSendsAllAgain() throws IOException {
    server.onFile.add(server.dropsAfter(300_000));
    server.onFile.add(exchange -> BadServer.send(exchange, 200, content));
    requirePulled();
  }

  @Test
  void aWrongPartIsThrownAway() throws IOException {
    server.onFile.add(server.dropsAfter(300_000));
    server.onFile.add(
        exchange -> {
          exchange.getResponseHeaders().set("Content-Range", "bytes 5-700000/700001");
          BadServer.send(exchange, 206, new byte[699_996]);
        });
    requirePulled();
    assertEquals("", server.fileRequests().get(2).range());
  }

  @Test
  void aFileThatChangedBetweenAttemptsIsReadAnew() throws IOException {
    byte[] changed = content.clone();
    changed[0]++;
    server.onFile.add(server.dropsAfter(300_000));
    server.onFile.add(
        exchange -> {
          server.files.put(FILE, changed);
          server.sendFile(exchange);
        });
    server.claims.put(FILE, BadServer.claim(changed));
    assertArrayEquals(changed, Files.readAllBytes(pull("o/m").path()));
  }

  @Test
  void anotherLengthThanTheListsIsRefused() {
    server.claims.put(FILE, "\"size\":700000");
    assertTrue(
        refusal("o/m").contains("the server has 700001 bytes of it where its list says 700000"));
    assertTrue(hub().store().list().isEmpty());
  }

  @Test
  void aDamagedFileIsReadOnceMore() throws IOException {
    server.onFile.add(exchange -> BadServer.send(exchange, 200, new byte[content.length]));
    requirePulled();
    assertTrue(notes.get(0).contains("SHA-256"), notes.toString());
  }

  @Test
  void aFileThatStaysDamagedIsRefused() {
    server.claims.put(FILE, BadServer.claim(new byte[content.length]));
    assertTrue(refusal("o/m").contains(FILE + ": its SHA-256 is not the one"));
    assertTrue(hub().store().list().isEmpty());
    assertFalse(Files.exists(folder.resolve("o/m/" + FILE + ".part")));
  }

  @Test
  void aBusyServerIsAskedAgain() throws IOException {
    server.onList.add(BadServer.status(503, "X", "y"));
    server.onFile.add(BadServer.status(429, "Retry-After", "0"));
    server.onFile.add(BadServer.status(500, "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"));
    requirePulled();
    assertEquals(3, notes.size(), notes.toString());
  }

  @Test
  void aServerThatStaysBusyIsGivenUp() {
    for (int i = 0; i < 4; i++) {
      server.onFile.add(BadServer.status(502, "X", "y"));
    }
    assertEquals(FILE + " failed: 127.0.0.1 answers with status 502", refusal("o/m"));
    assertEquals(4, server.fileRequests().size());
  }

  @Test
  void theTokenStaysWithItsHost() throws IOException {
    try (BadServer other = new BadServer()) {
      other.files.put(FILE, content);
      String there = other.uri() + "/o/m/resolve/x/" + FILE + "?signature=1";
      server.onFile.add(BadServer.status(302, "Location", "/moved/resolve/x/" + FILE));
      server.onFile.add(BadServer.status(302, "Location", there));
      requirePulled();
      assertEquals("Bearer hf_secret", server.fileRequests().get(1).authorization());
      assertEquals("", other.fileRequests().get(0).authorization());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "file:///etc/passwd", "::", "ftp://x/y"})
  void redirectsToOtherThingsAreRefused(String location) {
    server.onFile.add(BadServer.status(302, "Location", location));
    assertTrue(refusal("o/m").contains("127.0.0.1 redirects to "));
  }

  @Test
  void redirectsInACircleEnd() {
    for (int i = 0; i < 9; i++) {
      server.onFile.add(BadServer.status(307, "Location", "/again"));
    }
    assertTrue(refusal("o/m").contains("redirects without end"));
  }

  @Test
  void aSlowConnectionIsWaitedForAndASilentOneIsNot() throws IOException {
    server.onFile.add(server.drips(4, 200));
    requirePulled();
    assertEquals(List.of(), notes);
    Files.delete(folder.resolve("o/m/" + FILE));
    server.onFile.add(server.drips(2, 2000));
    requirePulled();
    assertTrue(notes.get(0).contains("nothing came for 0.6 s"), notes.toString());
  }

  @Test
  void aBrokenListIsAskedForAgain() throws IOException {
    String list = server.list();
    byte[] half = list.substring(0, list.length() / 2).getBytes(StandardCharsets.UTF_8);
    server.onList.add(exchange -> BadServer.send(exchange, 200, half));
    server.onList.add(
        exchange -> BadServer.send(exchange, 200, "[]".getBytes(StandardCharsets.UTF_8)));
    requirePulled();
    for (int i = 0; i < 4; i++) {
      server.onList.add(exchange -> BadServer.send(exchange, 200, half));
    }
    assertTrue(refusal("o/m").contains("the server's list of files is broken"));
  }

  @Test
  void namesThatLeaveTheFolderOrAreTooLongAreNoFiles() {
    server.files.clear();
    for (String name :
        List.of(
            "../x.gguf",
            "/x.gguf",
            "a/../../x.gguf",
            "a//x.gguf",
            ".x.gguf",
            "C:x.gguf",
            "a\\\\..\\\\x.gguf",
            "x\\u0000.gguf",
            "x\\n.gguf",
            "x".repeat(5000) + ".gguf")) {
      server.files.put(name, content);
    }
    assertTrue(refusal("o/m").contains("holds no model that can be read"));
    assertTrue(server.fileRequests().isEmpty());
  }

  @ParameterizedTest
  @CsvSource({
    "401, GatedRepo, o/m is gated: set HF_TOKEN",
    "401, RepoNotFound, 'o/m: the token is not accepted, or there is no such model'",
    "403, GatedRepo, o/m: your account may not read it: ask for access at http://127",
    "404, RepoNotFound, 'o/m: there is no such model, revision or file at http://127'",
    "410, x, o/m: 127.0.0.1 answers with status 410"
  })
  void refusalsSayWhatToDo(int status, String code, String sentence) {
    server.onList.add(BadServer.status(status, "X-Error-Code", code));
    String message = refusal("o/m");
    assertTrue(message.startsWith(sentence), message);
    assertFalse(message.contains("hf_secret"));
    assertEquals(1, server.requests.size());
  }

  @Test
  void aModelLargerThanTheDiskIsRefusedBeforeItStarts() {
    server.claims.put(FILE, "\"size\":900000000000000000");
    assertTrue(refusal("o/m").contains("needs 900000000.0 GB, but"));
    assertTrue(server.fileRequests().isEmpty());
  }

  @Test
  void twoPullsOfOneModelDoNotMeet() throws Exception {
    CountDownLatch isBusy = new CountDownLatch(1);
    CountDownLatch isDone = new CountDownLatch(1);
    server.onFile.add(
        (HttpExchange exchange) -> {
          isBusy.countDown();
          try {
            assertTrue(isDone.await(10, TimeUnit.SECONDS));
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          server.sendFile(exchange);
        });
    Thread first = new Thread(() -> pull("o/m"));
    first.start();
    assertTrue(isBusy.await(10, TimeUnit.SECONDS));
    assertTrue(refusal("o/m:Q4_K_M").contains("being pulled or removed by somebody else"));
    assertThrows(HubException.class, () -> hub().store().remove(NAME));
    isDone.countDown();
    first.join();
    requirePulled();
  }

  @Test
  void theUsualQuantizationIsChosenAndOthersByName() throws IOException {
    server.files.put("m-Q8_0.gguf", new byte[8]);
    server.files.put("m-IQ4_K_M.gguf", new byte[9]);
    server.files.put("mmproj-m-F16.gguf", new byte[10]);
    server.files.put("sub/m.f16.gguf", new byte[11]);
    server.files.put("m-Q6_K-00001-of-00002.gguf", new byte[12]);
    assertEquals("o/m:" + FILE, pull("o/m").name());
    assertEquals("o/m:m-Q8_0.gguf", pull("o/m:q8_0").name());
    assertEquals("o/m:sub/m.f16.gguf", pull("o/m:sub/m.f16.gguf").name());
    assertTrue(refusal("o/m:Q2_K").contains("o/m has no GGUF file for \"Q2_K\"; there are m-"));
    assertTrue(refusal("o/m:m-Q6_K-00001-of-00002.gguf").contains("split into several files"));
    assertTrue(
        refusal(() -> hub().store().find(NAME))
            .contains("may be any of o/m:m-Q4_K_M.gguf, o/m:m-Q8_0.gguf, o/m:sub/m.f16.gguf"));
    assertEquals(11, hub().store().remove(ModelReference.parse("o/m:f16")));
    assertEquals(2, hub().store().list().size());
    assertEquals(700_009, hub().store().remove(NAME));
    assertTrue(hub().store().list().isEmpty());
    assertTrue(refusal(() -> hub().store().remove(NAME)).contains("o/m is not here"));
  }

  @Test
  void aFolderIsConfigurationTokenizerAndWeights() throws IOException {
    server.files.clear();
    for (String name :
        List.of(
            "config.json",
            "tokenizer.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "README.md",
            "pytorch_model.bin",
            "original/consolidated.00.pth")) {
      server.files.put(name, name.getBytes(StandardCharsets.UTF_8));
    }
    server.claims.put("config.json", "\"size\":11");
    StoredModel model = pull("o/m");
    assertEquals("o/m", model.name());
    assertEquals(folder.resolve("o/m"), model.path());
    assertEquals(5, server.fileRequests().size());
    assertEquals("config.json", Files.readString(model.path().resolve("config.json")));
    pull("o/m");
    assertEquals(5, server.fileRequests().size());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"m", "o/m/x", "../m", "o/..", "o/m:", "/o/m", "o /m", "o/m:a\nb", "o/a..b"})
  void namesOfOtherFormsAreRefused(String name) {
    assertThrows(IllegalArgumentException.class, () -> ModelReference.parse(name));
  }
}
