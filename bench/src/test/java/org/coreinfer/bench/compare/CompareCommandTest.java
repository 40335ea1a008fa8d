package org.coreinfer.bench.compare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.coreinfer.cli.Canvas;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.weights.Quantization;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The other engines are scripts that print what such engines print. */
@Tag("pictures")
@Timeout(120)
class CompareCommandTest {
  private static final String LLAMA_BENCH =
      """
      test -f "$2" || exit 9
      echo 'loading' >&2
      echo '[{"build_commit": "abc", "build_number": 7, "n_prompt": 8, "n_gen": 0, "avg_ts": 90.5},'
      echo ' {"build_commit": "abc", "build_number": 7, "n_prompt": 0, "n_gen": 4, "avg_ts": 20.0}]'
      """;
  private static final String POWER_INFER =
      """
      head -c 4 "$2" | grep -q PWRI || exit 9
      echo 'main: build = 1552 (d3ebd7c)' >&2
      touch main.log
      awk -v t="$LLAMA_SPARSE_PRED_THRESHOLD" 'BEGIN {
        print "llama_print_timings: prompt eval time =  45.77 ms /   7 tokens (  6.54 ms per token,   152.96 tokens per second)"
        print "llama_print_timings:        eval time = 875.20 ms /  15 runs   ( 58.35 ms per token, " (t < 0 ? 10 : 30) ".25 tokens per second)"
      }' >&2
      """;

  private final Path folder;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  CompareCommandTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeEach
  void picturesCanBeDrawn() {
    try {
      Canvas.requireFonts();
    } catch (CoreInferException e) {
      abort(e.getMessage());
    }
  }

  private String script(String name, String body) throws IOException {
    Path file = folder.resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + body);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file.toString();
  }

  private int compare(String... more) {
    List<String> arguments =
        new ArrayList<>(List.of("--shape", "tiny", "-p", "8", "-n", "4", "--threads", "1"));
    arguments.addAll(List.of("--out", folder.resolve("result").toString()));
    arguments.addAll(List.of(more));
    PrintStream err = new PrintStream(said, true, StandardCharsets.UTF_8);
    return CompareCommand.run(err, arguments.toArray(String[]::new));
  }

  private String said() {
    return said.toString(StandardCharsets.UTF_8);
  }

  private JsonObject result() throws IOException {
    return JsonParser.parseString(Files.readString(folder.resolve("result.json")))
        .getAsJsonObject();
  }

  private static Map<String, JsonObject> rows(JsonObject result) {
    Map<String, JsonObject> rows = new LinkedHashMap<>();
    JsonObject model = result.getAsJsonArray("models").get(0).getAsJsonObject();
    for (JsonElement element : model.getAsJsonArray("rows")) {
      JsonObject row = element.getAsJsonObject();
      rows.put(row.get("engine").getAsString() + " " + row.get("keep"), row);
    }
    return rows;
  }

  private static JsonObject row(Map<String, JsonObject> rows, String name) {
    return Objects.requireNonNull(rows.get(name), name);
  }

  private static double decodeMedian(JsonObject row) {
    return row.getAsJsonObject("decode_tokens_per_second").get("median").getAsDouble();
  }

  @Test
  void allEnginesStandInOneTable() throws IOException {
    int code =
        compare(
            "-r",
            "1",
            "--keep",
            "1,0.4",
            "--llama-bench",
            script("llama-bench", LLAMA_BENCH),
            "--powerinfer",
            script("main", POWER_INFER),
            "--command",
            "mine=test -f {model} && echo {threads} {prompt_tokens} {tokens} 'at 40.5 tok/s'",
            "--command",
            "here=test -f pom.xml && echo 8 tokens/s");
    assertEquals(0, code, said());
    JsonObject result = result();
    assertTrue(result.getAsJsonObject("machine").get("processors").getAsInt() > 0);
    assertTrue(result.get("date").getAsString().endsWith("Z"));
    Map<String, JsonObject> rows = rows(result);
    assertEquals(
        List.of(
            "llama.cpp 1.0",
            "mine null",
            "here null",
            "PowerInfer 1.0",
            "PowerInfer 0.4",
            "coreinfer 1.0",
            "coreinfer 0.4"),
        List.copyOf(rows.keySet()));
    JsonObject llama = row(rows, "llama.cpp 1.0");
    assertEquals(20, decodeMedian(llama));
    assertEquals(1, llama.get("ratio").getAsDouble());
    assertEquals("build 7 (abc)", llama.get("version").getAsString());
    JsonObject mine = row(rows, "mine null");
    assertEquals(40.5, decodeMedian(mine));
    assertFalse(mine.get("bytes_per_token").isJsonNull());
    JsonObject here = row(rows, "here null");
    assertEquals(8, decodeMedian(here));
    assertTrue(here.get("bytes_per_token").isJsonNull(), "it was not given the model");
    JsonObject sparse = row(rows, "PowerInfer 0.4");
    assertEquals(30.25, decodeMedian(sparse));
    assertEquals(10.25, decodeMedian(row(rows, "PowerInfer 1.0")));
    assertEquals(30.25 / 20, sparse.get("ratio").getAsDouble(), 1e-9);
    assertEquals("build 1552 (d3ebd7c)", sparse.get("version").getAsString());
    assertTrue(sparse.get("command").getAsString().startsWith("LLAMA_SPARSE_PRED_THRESHOLD=0.25"));
    JsonObject own = row(rows, "coreinfer 0.4");
    assertTrue(decodeMedian(own) > 0);
    long dense = row(rows, "coreinfer 1.0").get("bytes_per_token").getAsLong();
    assertEquals(dense, llama.get("bytes_per_token").getAsLong());
    assertTrue(own.get("bytes_per_token").getAsLong() < dense);
    assertTrue(own.get("bandwidth_fraction").getAsDouble() > 0);
    String table = Files.readString(folder.resolve("result.md"));
    assertTrue(
        table.contains("| PowerInfer | 40 % | 153.0 | 30.25 | 30.25 to 30.25 | 1.51 |"), table);
    assertTrue(Files.size(folder.resolve("result.png")) > 5000);
    assertTrue(said().contains(table.strip()), said());
  }

  @Test
  void anEngineThatFailsDoesNotStopTheOthers() throws IOException {
    int code =
        compare(
            "-r",
            "1",
            "--keep",
            "0.4",
            "--dtype",
            "q8_0",
            "--powerinfer",
            script("main", POWER_INFER),
            "--llama-bench",
            "gone=/nowhere/llama-bench",
            "--llama-bench",
            "crashes=" + script("crash", "echo 'out of luck' >&2\nkill -SEGV $$\n"),
            "--llama-bench",
            "chats=" + script("chat", "echo 'Hello!'\n"),
            "--command",
            "silent=true",
            "--llama-bench",
            "good=" + script("llama-bench", LLAMA_BENCH));
    assertEquals(1, code, said());
    Map<String, JsonObject> rows = rows(result());
    assertFailed(row(rows, "gone 1.0"), "gone cannot be started: there is no /nowhere/llama-bench");
    assertFailed(row(rows, "crashes 1.0"), "crashes ended with code 139 (signal 11): out of luck");
    assertFailed(row(rows, "chats 1.0"), "chats printed no JSON as llama-bench does: Hello!");
    assertFailed(row(rows, "silent null"), "silent printed nothing that --pattern ");
    assertFailed(row(rows, "PowerInfer 0.4"), "PowerInfer reads f16 and q4_0 Llamas only");
    assertEquals(20, decodeMedian(row(rows, "good 1.0")));
    assertTrue(decodeMedian(row(rows, "coreinfer 0.4")) > 0);
    String table = Files.readString(folder.resolve("result.md"));
    assertTrue(table.contains("| gone | 100 % | - | failed |"), table);
    assertTrue(table.contains("out of luck"), table);
  }

  private static void assertFailed(JsonObject row, String beginning) {
    String failure = row.get("failure").getAsString();
    assertTrue(failure.startsWith(beginning), failure);
    assertFalse(failure.contains("\n"), failure);
    assertTrue(row.get("decode_tokens_per_second").isJsonNull());
  }

  @Test
  void anEngineThatNeverEndsIsEnded() {
    EngineFailure failure =
        assertThrows(
            EngineFailure.class,
            () -> ProcessRun.of("sleeps", List.of("sleep", "60"), Map.of(), 1));
    assertEquals("sleeps was ended after 1 s; --timeout allows more", failure.getMessage());
  }

  @Test
  void roundsAreMeasuredOfAModelFileThatStaysWhereAFolderIsNamed() throws IOException {
    Path models = folder.resolve("models");
    assertEquals(0, compare("--models", models.toString(), "--keep", "1", "-r", "2"), said());
    JsonObject own = row(rows(result()), "coreinfer 1.0");
    assertEquals(2, own.getAsJsonArray("decode_rounds").size());
    assertTrue(Files.readString(folder.resolve("result.md")).contains("ratio to coreinfer"));
    Path file = models.resolve("tiny-2-q4_0.gguf");
    FileTime written = Files.getLastModifiedTime(file);
    ModelFiles again = ModelFiles.make(models, ModelShape.of("tiny"), Quantization.Q4_0, null);
    assertEquals(file, again.model());
    assertEquals(written, Files.getLastModifiedTime(file));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--shape gpt-5",
        "--dtype q3_k",
        "--keep 0",
        "-n 1",
        "-r 0",
        "-p -1",
        "--timeout 0",
        "--pattern a=(x)",
        "--command a=x --pattern a=x",
        "--command a=x --pattern a=(x",
        "--llama-bench /a --llama-bench /b",
        "--frobnicate"
      })
  void wrongUsageIsOneSentence(String arguments) {
    assertEquals(2, compare(arguments.split(" ")), said());
    assertEquals(1, said().lines().count(), said());
    assertTrue(said().startsWith("compare: "), said());
    assertFalse(Files.exists(folder.resolve("result.json")));
  }
}
