package org.coreinfer.serving;

import java.util.List;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.NeuronSet;

/**
 * Hears of one answer: in order, one call at a time, on threads of the scheduler that compute
 * nothing. It may block: its answer then pauses, and nothing else. After {@link #onEnd} or {@link
 * #onFailure}, exactly one of which is called, once, nothing more comes. What a method throws ends
 * the answer with {@link #onFailure}.
 */
public interface AnswerListener {
  /**
   * The prompt is being read; calls that come late are left out.
   *
   * @param fraction of the prompt that was read, in 0..1
   */
  default void onPrefill(double fraction) {}

  /**
   * What the model thinks of the prompt, before the first token, if it was asked for.
   *
   * @param logprobs one per prompt token, the first without a value
   */
  default void onPromptLogprobs(List<TokenLogprob> logprobs) {}

  /**
   * The neurons that the next tokens compute were chosen from the prompt, or later renewed, if it
   * was asked for.
   */
  default void onNeurons(NeuronSet neurons) {}

  void onToken(ServedToken token);

  /** The answer has ended, by itself, by {@link Ticket#cancel}, or for lack of time. */
  void onEnd(GenerationResult result);

  /** The answer cannot be had, or not to its end. */
  void onFailure(RuntimeException failure);
}
