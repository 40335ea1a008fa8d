package org.coreinfer.bench.compare;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A llama-bench of llama.cpp, or of what was made of it.
 *
 * @param binary the program, and arguments of the user's
 */
record LlamaBenchContender(String label, List<String> binary) implements Contender {
  @Override
  public Double keep() {
    return 1.0;
  }

  @Override
  public String command(Trial trial) {
    return String.join(" ", arguments(trial));
  }

  private List<String> arguments(Trial trial) {
    List<String> arguments = new ArrayList<>(binary);
    arguments.addAll(
        List.of(
            "-m",
            trial.files().model().toString(),
            "-p",
            Integer.toString(trial.promptTokens()),
            "-n",
            Integer.toString(trial.tokens()),
            "-t",
            Integer.toString(trial.threads()),
            "-r",
            "1",
            "-o",
            "json"));
    return arguments;
  }

  @Override
  public Measured run(Trial trial) throws EngineFailure, InterruptedException {
    ProcessRun ran = ProcessRun.of(label, arguments(trial), Map.of(), trial.timeoutSeconds());
    try {
      JsonArray entries = new Gson().fromJson(ran.out(), JsonArray.class);
      return measured(entries == null ? new JsonArray() : entries, trial);
    } catch (JsonParseException | IllegalStateException | NullPointerException e) {
      throw new EngineFailure(
          label + " printed no JSON as llama-bench does: " + ran.lastWords(), e);
    }
  }

  private Measured measured(JsonArray entries, Trial trial) throws EngineFailure {
    Double prompt = null;
    Double decode = null;
    String version = null;
    for (JsonElement element : entries) {
      JsonObject entry = element.getAsJsonObject();
      double rate = entry.get("avg_ts").getAsDouble();
      if (entry.get("n_gen").getAsInt() == 0) {
        prompt = rate;
      } else {
        decode = rate;
      }
      version = version(entry);
    }
    if (decode == null) {
      throw new EngineFailure(label + " measured no decoding");
    }
    return new Measured(prompt, decode, trial.files().bytesPerToken(), null, version);
  }

  private static @Nullable String version(JsonObject entry) {
    JsonElement number = entry.get("build_number");
    JsonElement commit = entry.get("build_commit");
    return number == null || commit == null
        ? null
        : "build " + number.getAsString() + " (" + commit.getAsString() + ")";
  }
}
