package org.coreinfer.serving;

import java.time.Duration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.jspecify.annotations.Nullable;

/**
 * What to answer, and how. Immutable.
 *
 * @param core how neurons are chosen
 * @param topLogprobs alternatives that each token of the answer comes with, 0 for its own log
 *     probability alone; {@link #NO_LOGPROBS} for none
 * @param promptLogprobs whether the prompt's tokens get log probabilities, too, with as many
 *     alternatives; then all of the prompt is read, whatever is known of it
 * @param neurons whether the listener hears which neurons are core
 * @param timeout from submission to the end, waiting included; null for none
 */
public record ServingRequest(
    GenerationRequest generation,
    CoreOptions core,
    int topLogprobs,
    boolean promptLogprobs,
    boolean neurons,
    @Nullable Duration timeout) {
  /** Tokens of the answer come without log probabilities. */
  public static final int NO_LOGPROBS = -1;

  /** The most alternatives. */
  public static final int MOST_LOGPROBS = 100;

  public ServingRequest {
    if (topLogprobs < NO_LOGPROBS || topLogprobs > MOST_LOGPROBS) {
      throw new IllegalArgumentException(
          "top log probabilities=%d: expected -1 (none) to %d"
              .formatted(topLogprobs, MOST_LOGPROBS));
    }
    if (timeout != null && (timeout.isNegative() || timeout.isZero())) {
      throw new IllegalArgumentException("timeout=" + timeout + ": expected more than nothing");
    }
  }

  /** A request with every neuron, no log probabilities and no timeout. */
  public static Builder of(GenerationRequest generation) {
    return new Builder(generation);
  }

  /** Collects a request's parts; all have defaults. */
  public static final class Builder {
    private final GenerationRequest generation;
    private CoreOptions core = CoreOptions.dense();
    private int topLogprobs = NO_LOGPROBS;
    private boolean promptLogprobs;
    private boolean neurons;
    private @Nullable Duration timeout;

    private Builder(GenerationRequest generation) {
      this.generation = generation;
    }

    public Builder core(CoreOptions value) {
      core = value;
      return this;
    }

    public Builder topLogprobs(int value) {
      topLogprobs = value;
      return this;
    }

    public Builder promptLogprobs(boolean value) {
      promptLogprobs = value;
      return this;
    }

    public Builder neurons(boolean value) {
      neurons = value;
      return this;
    }

    public Builder timeout(@Nullable Duration value) {
      timeout = value;
      return this;
    }

    public ServingRequest build() {
      return new ServingRequest(generation, core, topLogprobs, promptLogprobs, neurons, timeout);
    }
  }
}
