package org.coreinfer.generation;

import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.jspecify.annotations.Nullable;

/**
 * A whole answer.
 *
 * @param promptTokens tokens that stand before it
 * @param cachedTokens how many of them, from the first on, were known from a text before
 * @param tokens generated tokens, with the end-of-sequence token if it came
 * @param core how neurons were chosen
 * @param neuronsPerLayer how many neurons each layer computed per decoded token; per draft, where
 *     drafts were verified
 * @param refreshes decoded tokens that computed all of them instead; their time is decoding's
 * @param drafts what became of drafts; null where none were made
 */
public record GenerationResult(
    List<Integer> promptTokens,
    int cachedTokens,
    List<Integer> tokens,
    String text,
    FinishReason finishReason,
    CoreOptions core,
    List<Integer> neuronsPerLayer,
    Refreshes refreshes,
    @Nullable Drafts drafts,
    Timings timings) {
  /** What there is of an answer that never began. */
  public static GenerationResult unanswered(
      List<Integer> promptTokens, FinishReason reason, CoreOptions core) {
    return new GenerationResult(
        promptTokens,
        0,
        List.of(),
        "",
        reason,
        core,
        List.of(),
        Refreshes.NONE,
        null,
        new Timings(0, 0, 0, 0, 0));
  }
}
