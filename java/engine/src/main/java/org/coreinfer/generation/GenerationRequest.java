package org.coreinfer.generation;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleConsumer;
import java.util.function.Supplier;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.sampling.TokenConstraint;
import org.jspecify.annotations.Nullable;

/**
 * What to answer, and how. Immutable.
 *
 * @param prompt text that continues the session, or null when {@code promptTokens} are given
 * @param promptTokens token ids as they are, without any special token added
 * @param parseSpecial whether special tokens written in the prompt count as such
 * @param maxTokens the most tokens of the answer, at least 1
 * @param stop strings that end the answer; never part of it
 * @param endTokens ids that end the answer as the model's own end-of-sequence token does
 * @param ignoreEos whether to go on after the end-of-sequence token
 * @param constraint makes what allows the answer's tokens, once for each answer; null where every
 *     token may come. An answer that {@code maxTokens} cuts off ends with {@link
 *     FinishReason#LENGTH}, and is then only the beginning of an allowed one
 * @param prefillProgress receives the fraction of the prompt that was read
 */
public record GenerationRequest(
    @Nullable String prompt,
    @Nullable List<Integer> promptTokens,
    boolean parseSpecial,
    int maxTokens,
    SamplingOptions sampling,
    List<String> stop,
    Set<Integer> endTokens,
    boolean ignoreEos,
    Cancellation cancellation,
    @Nullable Supplier<? extends TokenConstraint> constraint,
    DoubleConsumer prefillProgress) {

  public GenerationRequest {
    if (prompt == null && promptTokens == null) {
      throw new IllegalArgumentException("a request needs a prompt or prompt tokens");
    }
    if (maxTokens < 1) {
      throw new IllegalArgumentException("max tokens=" + maxTokens + ": expected 1 or more");
    }
    stop = List.copyOf(stop);
    endTokens = Set.copyOf(endTokens);
    if (stop.contains("")) {
      throw new IllegalArgumentException("a stop string is empty");
    }
    if (constraint != null && ignoreEos) {
      throw new IllegalArgumentException(
          "a constrained answer ends where its text is complete: it can't ignore end tokens");
    }
    promptTokens = promptTokens == null ? null : List.copyOf(promptTokens);
  }

  /** A request for a continuation of {@code prompt}. */
  public static Builder of(String prompt) {
    return new Builder(prompt, null);
  }

  /** A request for a continuation of these tokens. */
  public static Builder ofTokens(List<Integer> tokens) {
    return new Builder(null, tokens);
  }

  /** Collects a request's parts; all have defaults. */
  public static final class Builder {
    private final @Nullable String prompt;
    private final @Nullable List<Integer> promptTokens;
    private boolean parseSpecial = true;
    private int maxTokens = 256;
    private SamplingOptions sampling = SamplingOptions.GREEDY;
    private final List<String> stop = new ArrayList<>();
    private final Set<Integer> endTokens = new HashSet<>();
    private boolean ignoreEos;
    private Cancellation cancellation = new Cancellation();
    private @Nullable Supplier<? extends TokenConstraint> constraint;
    private DoubleConsumer prefillProgress = fraction -> {};

    private Builder(@Nullable String prompt, @Nullable List<Integer> promptTokens) {
      this.prompt = prompt;
      this.promptTokens = promptTokens;
    }

    public Builder parseSpecial(boolean value) {
      parseSpecial = value;
      return this;
    }

    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    public Builder sampling(SamplingOptions value) {
      sampling = value;
      return this;
    }

    /** Adds a stop string. */
    public Builder stop(String value) {
      stop.add(value);
      return this;
    }

    /** Adds a token that ends the answer. */
    public Builder endToken(int id) {
      endTokens.add(id);
      return this;
    }

    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    public Builder cancellation(Cancellation value) {
      cancellation = value;
      return this;
    }

    /** Allows only some tokens, such as those of JSON: a grammar, or what makes constraints. */
    public Builder constraint(Supplier<? extends TokenConstraint> value) {
      constraint = value;
      return this;
    }

    public Builder prefillProgress(DoubleConsumer value) {
      prefillProgress = value;
      return this;
    }

    public GenerationRequest build() {
      return new GenerationRequest(
          prompt,
          promptTokens,
          parseSpecial,
          maxTokens,
          sampling,
          stop,
          endTokens,
          ignoreEos,
          cancellation,
          constraint,
          prefillProgress);
    }
  }
}
