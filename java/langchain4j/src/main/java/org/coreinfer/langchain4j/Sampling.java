package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.coreinfer.sampling.SamplingOptions;

/** How tokens are drawn, by LangChain4j's parameters. */
final class Sampling {
  private Sampling() {}

  /**
   * Options with what the parameters say.
   *
   * @param otherwise what holds where they say nothing
   * @throws IllegalArgumentException if one is out of range
   */
  static SamplingOptions of(ChatRequestParameters parameters, SamplingOptions otherwise) {
    SamplingOptions options = otherwise;
    Double temperature = parameters.temperature();
    if (temperature != null) {
      options = options.withTemperature(temperature);
    }
    Double topP = parameters.topP();
    if (topP != null) {
      options = options.withTopP(topP);
    }
    Double frequencyPenalty = parameters.frequencyPenalty();
    if (frequencyPenalty != null) {
      options = options.withFrequencyPenalty(frequencyPenalty);
    }
    Double presencePenalty = parameters.presencePenalty();
    if (presencePenalty != null) {
      options = options.withPresencePenalty(presencePenalty);
    }
    Integer topK = parameters.topK();
    return topK == null ? options : options.withTopK(topK);
  }
}
