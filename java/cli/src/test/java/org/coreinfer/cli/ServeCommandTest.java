package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class ServeCommandTest {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private static Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(CoreInferCommand.class.getName());
    command.addAll(List.of(Command.withModel("serve", arguments)));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("COREINFER_API_KEY", "from the environment");
    return builder.start();
  }

  private static CompletableFuture<HttpResponse<String>> complete(
      String url, String key, int tokens) {
    String body =
        "{\"prompt\": \"One day\", \"ignore_eos\": true, \"stream\": true, \"max_tokens\": "
            + tokens
            + "}";
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
            .header("Authorization", "Bearer " + key)
            .POST(BodyPublishers.ofString(body))
            .build();
    return HTTP.sendAsync(request, BodyHandlers.ofString());
  }

  @Test
  void aSignalLetsAnswersEndAndTheProcessEndsWith0() throws Exception {
    Process process = start("--port", "0", "--context", "512");
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String url = String.valueOf(out.readLine());
      assertTrue(url.matches("http://127\\.0\\.0\\.1:\\d+"), url);
      assertEquals(401, complete(url, "another", 1).get().statusCode());
      assertEquals(200, complete(url, "from the environment", 1).get().statusCode());
      var answer = complete(url, "from the environment", 400);
      Thread.sleep(100);
      process.toHandle().destroy(); // SIGTERM
      HttpResponse<String> response = answer.get();
      String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue(), err);
      assertTrue(
          response.statusCode() == 503 || response.body().contains("data: [DONE]"),
          response.body());
      assertTrue(err.contains("coreinfer: stopping"), err);
      new ServerSocket(URI.create(url).getPort()).close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--port,65536",
    "--port,-1",
    "--port,web",
    "--host,0.0.0.0",
    "--slots,0",
    "--queue,0",
    "--timeout,0",
    "--grace,-1",
    "--max-tokens,-1",
    "--max-prompts,0",
    "--max-body,0",
    "--max-body,2G",
    "--chat-template,none-such",
    "--api-key,''",
    "--keep,2",
    "--layers,0..99",
  })
  void aBadValueIsOneSentenceThatNamesTheOption(String option, String value) {
    String sentence = Command.run(Command.withModel("serve", option, value)).sentence(2);
    assertTrue(sentence.startsWith("coreinfer serve: "), sentence);
    assertTrue(sentence.contains(option), sentence);
  }

  @Test
  void aPortThatIsTakenIsOneSentence() throws Exception {
    try (ServerSocket taken = new ServerSocket(0)) {
      String port = Integer.toString(taken.getLocalPort());
      String sentence = Command.run(Command.withModel("serve", "--port", port)).sentence(1);
      assertTrue(sentence.contains("port " + port), sentence);
    }
  }

  @Test
  void oneKeyIsEnough(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("key"), "abc\n");
    String[] arguments = {"serve", "--api-key", "x", "--api-key-file", file.toString()};
    assertTrue(Command.run(arguments).sentence(2).contains("not both"));
    String[] missing = {"serve", "--api-key-file", folder.resolve("none").toString()};
    assertTrue(Command.run(missing).sentence(1).contains("no such file"));
  }
}
