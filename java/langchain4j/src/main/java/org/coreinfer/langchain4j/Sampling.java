package org.coreinfer.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.coreinfer.sampling.SamplingOptions;
import org.jspecify.annotations.Nullable;

/** How tokens are drawn, by LangChain4j's parameters. */
final class Sampling {
  private Sampling() {}

  /**
   * Options with what the parameters say.
   *
   * @param otherwise what holds where they say nothing
   * @throws UnsupportedFeatureException if they ask for a penalty that this engine doesn't have
   * @throws IllegalArgumentException if one is out of range
   */
  static SamplingOptions of(ChatRequestParameters parameters, SamplingOptions otherwise) {
    refusePenalty("frequencyPenalty", parameters.frequencyPenalty());
    refusePenalty("presencePenalty", parameters.presencePenalty());
    SamplingOptions options = otherwise;
    Double temperature = parameters.temperature();
    if (temperature != null) {
      options = options.withTemperature(temperature);
    }
    Double topP = parameters.topP();
    if (topP != null) {
      options = options.withTopP(topP);
    }
    Integer topK = parameters.topK();
    return topK == null ? options : options.withTopK(topK);
  }

  private static void refusePenalty(String name, @Nullable Double value) {
    if (value != null && value != 0) {
      throw new UnsupportedFeatureException(
          "'%s' parameter is not supported by this model; the builder has repeatPenalty"
              .formatted(name));
    }
  }
}
