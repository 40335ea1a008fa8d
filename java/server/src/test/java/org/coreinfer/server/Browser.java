package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.opentest4j.TestAbortedException;

/**
 * A headless Chromium, spoken to by the DevTools protocol. Closing it ends the process. Calls come
 * from one thread at a time.
 */
final class Browser implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 20;

  private final Process process;
  private final WebSocket socket;
  private final AtomicInteger lastId = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonObject>> replies = new ConcurrentHashMap<>();
  private final Map<String, BiConsumer<String, JsonObject>> listeners = new ConcurrentHashMap<>();

  private Browser(Process process, String address) {
    this.process = process;
    this.socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(URI.create(address), new Receiver())
            .join();
  }

  /** The command; where this machine has none, the test is skipped. */
  private static Path findOrSkip() {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .flatMap(
            folder ->
                Stream.of("chromium", "chromium-browser", "google-chrome")
                    .map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(() -> new TestAbortedException("no chromium on the PATH to show the page"));
  }

  /**
   * Starts one, or skips the test.
   *
   * @param profile an empty folder
   */
  static Browser start(Path profile) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(findOrSkip().toString()));
    words.addAll(
        List.of(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--renderer-process-limit=1",
            "--remote-debugging-port=0",
            "--user-data-dir=" + profile,
            "about:blank"));
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(profile.resolve("output.txt").toFile())
            .start();
    Path port = profile.resolve("DevToolsActivePort");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!Files.exists(port) || Files.readAllLines(port).size() < 2) {
      if (!process.isAlive() || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new AssertionError(
            "Chromium did not start: " + Files.readString(profile.resolve("output.txt")));
      }
      Thread.sleep(20);
    }
    List<String> lines = Files.readAllLines(port);
    return new Browser(process, "ws://127.0.0.1:" + lines.get(0) + lines.get(1));
  }

  /** An empty tab. */
  BrowserPage newPage() {
    JsonObject target = new JsonObject();
    target.addProperty("url", "about:blank");
    JsonObject attach = call(null, "Target.createTarget", target);
    attach.addProperty("flatten", true);
    String session = call(null, "Target.attachToTarget", attach).get("sessionId").getAsString();
    return new BrowserPage(this, session);
  }

  /** Has a tab's events told, by name and parameters. */
  void listen(String session, BiConsumer<String, JsonObject> listener) {
    listeners.put(session, listener);
  }

  /**
   * Calls a method of the protocol.
   *
   * @param session of a tab; null for the browser
   */
  JsonObject call(@Nullable String session, String method, JsonObject parameters) {
    int id = lastId.incrementAndGet();
    JsonObject message = new JsonObject();
    message.addProperty("id", id);
    message.addProperty("method", method);
    message.add("params", parameters);
    if (session != null) {
      message.addProperty("sessionId", session);
    }
    CompletableFuture<JsonObject> reply = new CompletableFuture<>();
    replies.put(id, reply);
    socket.sendText(message.toString(), true).join();
    try {
      JsonObject got = reply.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      assertTrue(got.has("result"), method + ": " + got);
      return got.getAsJsonObject("result");
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(method, e);
    }
  }

  @Override
  public void close() {
    try {
      socket.sendText("{\"id\": 0, \"method\": \"Browser.close\"}", true).join();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) { // it writes to its profile
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      socket.abort();
    }
  }

  private final class Receiver implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean isLast) {
      text.append(data);
      if (isLast) {
        JsonObject message = JsonParser.parseString(text.toString()).getAsJsonObject();
        text.setLength(0);
        take(message);
      }
      from.request(1);
      return null;
    }

    private void take(JsonObject message) {
      JsonElement id = message.get("id");
      if (id != null) {
        CompletableFuture<JsonObject> reply = replies.remove(id.getAsInt());
        if (reply != null) {
          reply.complete(message);
        }
      } else if (message.has("sessionId")) {
        BiConsumer<String, JsonObject> listener =
            listeners.get(message.get("sessionId").getAsString());
        if (listener != null) {
          listener.accept(message.get("method").getAsString(), message.getAsJsonObject("params"));
        }
      }
    }
  }
}
