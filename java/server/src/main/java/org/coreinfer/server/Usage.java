package org.coreinfer.server;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.NeuronSet;

/** Counts what a request's answers took. For one thread. */
final class Usage {
  private final Model model;
  private final Map<Integer, NeuronSet> core = new HashMap<>();
  private final List<JsonOut> reports = new ArrayList<>();
  private long promptTokens;
  private long cachedTokens;
  private long completionTokens;

  Usage(Model model) {
    this.model = model;
  }

  /** Notes which neurons an answer computes, to be told in its report. */
  void note(AnswerEvent.Core event) {
    core.put(event.answer(), event.neurons());
  }

  /**
   * Adds an answer.
   *
   * @param isPromptCounted whether it is the first one to its prompt
   * @param tokens of it that were asked for
   */
  void add(AnswerEvent.End end, boolean isPromptCounted, int tokens) {
    GenerationResult result = end.result();
    if (isPromptCounted) {
      promptTokens += result.promptTokens().size();
      cachedTokens += result.cachedTokens();
    }
    completionTokens += tokens;
    JsonOut report = CoreReport.of(result, model.config().neurons());
    NeuronSet neurons = core.get(end.answer());
    reports.add(neurons == null ? report : report.putAll(CoreNeurons.of(model, neurons)));
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
