package org.coreinfer.server;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.generation.GenerationResult;

/** Counts what a request's answers took. For one thread. */
final class Usage {
  private final int neurons;
  private final List<JsonOut> reports = new ArrayList<>();
  private long promptTokens;
  private long cachedTokens;
  private long completionTokens;

  /**
   * @param neurons of each layer of the model
   */
  Usage(int neurons) {
    this.neurons = neurons;
  }

  /**
   * Adds an answer.
   *
   * @param isPromptCounted whether it is the first one to its prompt
   * @param tokens of it that were asked for
   */
  void add(GenerationResult result, boolean isPromptCounted, int tokens) {
    if (isPromptCounted) {
      promptTokens += result.promptTokens().size();
      cachedTokens += result.cachedTokens();
    }
    completionTokens += tokens;
    reports.add(CoreReport.of(result, neurons));
  }

  /** OpenAI's counts, and what was computed: one report, or a list of several answers' reports. */
  JsonOut out() {
    JsonOut usage =
        new JsonOut()
            .put("prompt_tokens", promptTokens)
            .put("completion_tokens", completionTokens)
            .put("total_tokens", promptTokens + completionTokens)
            .put("prompt_tokens_details", new JsonOut().put("cached_tokens", cachedTokens));
    return reports.size() == 1
        ? usage.put("coreinfer", reports.get(0))
        : usage.put("coreinfer", new JsonOut().putObjects("answers", reports));
  }
}
