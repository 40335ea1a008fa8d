package org.coreinfer.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.UnaryOperator;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.sampling.SamplingOptions;
import org.jspecify.annotations.Nullable;

/** The fields of a request that say how tokens are drawn, and where an answer stops. */
final class SamplingFields {
  private static final int MOST_STOPS = 16;
  private static final int LONGEST_STOP = 1000;

  private SamplingFields() {}

  /**
   * How tokens are drawn: OpenAI's defaults, and engines' usual names for what it lacks.
   *
   * @param config of the model, whose tokens may have a bias
   * @throws ApiException if a field is out of range
   */
  static SamplingOptions read(Fields fields, ModelConfig config) {
    SamplingOptions options = SamplingOptions.GREEDY.withSeed(seed(fields));
    double temperature = fields.number("temperature", 1);
    options = change(options, fields, "temperature", o -> o.withTemperature(temperature));
    double topP = fields.number("top_p", 1);
    options = change(options, fields, "top_p", o -> o.withTopP(topP));
    int topK = fields.integer("top_k", -1, Integer.MAX_VALUE, 0);
    options = change(options, fields, "top_k", o -> o.withTopK(Math.max(topK, 0)));
    double minP = fields.number("min_p", 0);
    options = change(options, fields, "min_p", o -> o.withMinP(minP));
    String penaltyName = fields.has("repetition_penalty") ? "repetition_penalty" : "repeat_penalty";
    double penalty = fields.number(penaltyName, 1);
    options = change(options, fields, penaltyName, o -> o.withRepeatPenalty(penalty));
    double frequency = fields.number("frequency_penalty", 0);
    options = change(options, fields, "frequency_penalty", o -> o.withFrequencyPenalty(frequency));
    double presence = fields.number("presence_penalty", 0);
    options = change(options, fields, "presence_penalty", o -> o.withPresencePenalty(presence));
    return withBias(options, fields, config);
  }

  private static long seed(Fields fields) {
    Long seed = fields.whole("seed");
    return seed == null ? ThreadLocalRandom.current().nextLong() : seed;
  }

  private static SamplingOptions change(
      SamplingOptions options, Fields fields, String name, UnaryOperator<SamplingOptions> step) {
    try {
      return step.apply(options);
    } catch (IllegalArgumentException e) {
      String refusal = String.valueOf(e.getMessage());
      String value = refusal.substring(refusal.indexOf('='));
      throw ApiException.invalid(fields.nameOf(name), fields.nameOf(name) + value);
    }
  }

  private static SamplingOptions withBias(
      SamplingOptions options, Fields fields, ModelConfig config) {
    Map<Integer, Double> bias = bias(fields);
    try {
      SamplingOptions biased = options.withLogitBias(bias);
      biased.adjustments().requireSuits(config.vocabulary());
      return biased;
    } catch (IllegalArgumentException e) {
      String name = fields.nameOf("logit_bias");
      throw ApiException.invalid(name, name + ": " + e.getMessage());
    }
  }

  /** What is added to the logits of tokens: {@code {"id": bias}}. */
  private static Map<Integer, Double> bias(Fields fields) {
    JsonElement element = fields.element("logit_bias");
    if (element == null) {
      return Map.of();
    }
    String name = fields.nameOf("logit_bias");
    Map<Integer, Double> bias = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> entry : Fields.objectOf(element, name).entrySet()) {
      String token = entry.getKey();
      if (!token.matches("[0-9]{1,9}")) {
        throw ApiException.invalid(
            name, "%s: \"%s\" is no token id, such as \"1234\"".formatted(name, token));
      }
      if (!(entry.getValue() instanceof JsonPrimitive value && value.isNumber())) {
        throw ApiException.invalid(
            name, "%s: token %s: expected a number of -100 to 100".formatted(name, token));
      }
      bias.put(Integer.parseInt(token), value.getAsDouble());
    }
    return bias;
  }

  /** The strings before which an answer ends: one, or a list. */
  static List<String> stops(Fields fields) {
    JsonElement value = fields.element("stop");
    List<String> stops = new ArrayList<>();
    if (value instanceof JsonPrimitive) {
      stops.add(Fields.stringOf(value, fields.nameOf("stop")));
    } else if (value != null) {
      JsonArray array = Fields.arrayOf(value, fields.nameOf("stop"));
      for (int i = 0; i < array.size(); i++) {
        stops.add(Fields.stringOf(array.get(i), fields.nameOf("stop[" + i + "]")));
      }
    }
    boolean isWrong = stops.stream().anyMatch(s -> s.isEmpty() || s.length() > LONGEST_STOP);
    if (isWrong || stops.size() > MOST_STOPS) {
      throw ApiException.invalid(
          fields.nameOf("stop"),
          "stop: expected at most %d strings of 1 to %d characters"
              .formatted(MOST_STOPS, LONGEST_STOP));
    }
    return stops;
  }

  /**
   * The most tokens of an answer.
   *
   * @param names the field's names, the first that is there counts
   * @param most of the server
   */
  static int maxTokens(Fields fields, int least, int otherwise, int most, String... names) {
    Integer found = null;
    for (String name : names) {
      @Nullable Long value = fields.whole(name);
      if (value == null || found != null) {
        continue;
      }
      if (value < least) {
        throw ApiException.invalid(
            fields.nameOf(name),
            "%s=%d: expected %d or more".formatted(fields.nameOf(name), value, least));
      }
      found = (int) Math.min(value, most);
    }
    return found == null ? Math.min(otherwise, most) : found;
  }
}
