package org.coreinfer.serving;

import java.time.Duration;
import org.coreinfer.generation.GenerationResult;

/**
 * Observes a scheduler, for histograms. Its methods are called on computing and delivering threads,
 * so they must be thread-safe and quick; what they throw is logged and otherwise ignored.
 */
public interface SchedulerListener {
  /** Hears nothing. */
  SchedulerListener NONE = new SchedulerListener() {};

  /**
   * The first token of an answer is known.
   *
   * @param waited from submission to the beginning of the prompt
   * @param read from there to the token
   */
  default void onFirstToken(Duration waited, Duration read) {}

  /** A further token of an answer is known, so long after the one before. */
  default void onNextToken(Duration sinceLast) {}

  /**
   * An answer has ended.
   *
   * @param took from submission
   */
  default void onEnd(GenerationResult result, Duration took) {}

  /**
   * A request has ended with an exception.
   *
   * @param took from submission
   */
  default void onFailure(RuntimeException failure, Duration took) {}
}
