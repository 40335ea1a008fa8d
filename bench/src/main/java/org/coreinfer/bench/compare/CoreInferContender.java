package org.coreinfer.bench.compare;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.coreinfer.backend.Host;

/**
 * This engine: {@code coreinfer bench} in a process of its own.
 *
 * @param activationBits as {@code --activation-bits} has them
 */
record CoreInferContender(double fraction, int activationBits) implements Contender {
  private static final String MAIN = "org.coreinfer.cli.CoreInferCommand";

  @Override
  public String label() {
    return activationBits == Host.USUAL_ACTIVATION_BITS
        ? "coreinfer"
        : "coreinfer, %d bits".formatted(activationBits);
  }

  @Override
  public Double keep() {
    return fraction;
  }

  @Override
  public String command(Trial trial) {
    return "coreinfer " + String.join(" ", arguments(trial));
  }

  private List<String> arguments(Trial trial) {
    return List.of(
        "bench",
        trial.files().model().toString(),
        "-p",
        Integer.toString(trial.promptTokens()),
        "-n",
        Integer.toString(trial.tokens()),
        "-r",
        "1",
        "--keep",
        Double.toString(fraction),
        "--threads",
        Integer.toString(trial.threads()),
        "--activation-bits",
        Integer.toString(activationBits),
        "--backend",
        "cpu",
        "-o",
        "json");
  }

  @Override
  public Measured run(Trial trial) throws EngineFailure, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseSerialGC");
    String libraries = System.getProperty("org.bytedeco.javacpp.cachedir");
    if (libraries != null) {
      command.add("-Dorg.bytedeco.javacpp.cachedir=" + libraries);
    }
    command.addAll(List.of("-cp", classPath(), MAIN));
    command.addAll(arguments(trial));
    ProcessRun ran = ProcessRun.of(label(), command, Map.of(), trial.timeoutSeconds());
    try {
      return measured(new Gson().fromJson(ran.out(), JsonArray.class));
    } catch (JsonParseException e) {
      throw new EngineFailure(label() + " printed no JSON: " + ran.lastWords(), e);
    }
  }

  /** Processes run in folders of their own. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .map(part -> Path.of(part).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  private Measured measured(JsonArray entries) throws EngineFailure {
    Double prompt = null;
    for (JsonElement element : entries) {
      JsonObject entry = element.getAsJsonObject();
      double rate = entry.getAsJsonObject("tokens_per_second").get("median").getAsDouble();
      if (entry.get("test").getAsString().startsWith("pp")) {
        prompt = rate;
      } else {
        JsonElement bandwidth = entry.get("bandwidth");
        return new Measured(
            prompt,
            rate,
            entry.get("bytes_per_token").getAsLong(),
            bandwidth.isJsonNull() ? null : bandwidth.getAsDouble(),
            CompareCommand.version());
      }
    }
    throw new EngineFailure(label() + " measured no decoding");
  }
}
