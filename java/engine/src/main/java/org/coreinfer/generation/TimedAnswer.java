package org.coreinfer.generation;

import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * A greedy answer of a given length, whatever it says, and what it took: for measurements.
 *
 * @param tokens of the answer
 * @param decodeNanos what all tokens but the first took, which follows from the prompt
 * @param drafts null if none were asked for
 */
public record TimedAnswer(int[] tokens, long decodeNanos, @Nullable Drafts drafts) {
  /** The most drafts of a pass. */
  public static final int MOST_DRAFTS = Backend.DECODE_TOKENS - 1;

  /**
   * Answers a prompt.
   *
   * @param options lossless ones draft
   * @param draftsPerPass how many tokens are drafted before each pass, whether they pay or not; 0
   *     for as many as pay
   * @param count tokens of the answer, at least 1
   * @param cacheDtype of keys and values, F32 or F16
   * @param monitor may throw to end the answer
   */
  public static TimedAnswer of(
      Decoder decoder,
      CoreOptions options,
      int draftsPerPass,
      int[] prompt,
      int count,
      DType cacheDtype,
      Decoder.Monitor monitor) {
    if (draftsPerPass < 0 || draftsPerPass > MOST_DRAFTS) {
      throw new IllegalArgumentException(
          "drafts=%d: expected 0 (as many as pay) to %d".formatted(draftsPerPass, MOST_DRAFTS));
    }
    double work = (double) prompt.length + count;
    try (Sequence sequence = new Sequence(decoder, options, prompt.length + count, cacheDtype)) {
      Logits logits =
          sequence.prefill(prompt, part -> monitor.progress(part * prompt.length / work));
      TokenSource source = source(sequence, draftsPerPass);
      int[] tokens = new int[count];
      tokens[0] = source.first(logits);
      sequence.accept(tokens[0]);
      long nanos = 0;
      for (int i = 1; i < count; i++) {
        long begin = System.nanoTime();
        tokens[i] = source.next(count - i);
        sequence.accept(tokens[i]);
        nanos += System.nanoTime() - begin;
        monitor.progress((prompt.length + i + 1) / work);
      }
      return new TimedAnswer(tokens, nanos, source.drafts());
    }
  }

  private static TokenSource source(Sequence sequence, int draftsPerPass) {
    if (!sequence.isLossless()) {
      Sampler sampler = sequence.newSampler(SamplingOptions.GREEDY);
      return new PlainDecoding(sequence, sampler, DrawListener.NONE, () -> {});
    }
    if (draftsPerPass == 0) {
      return DraftedDecoding.adaptive(
          sequence, SamplingOptions.GREEDY, null, token -> false, DrawListener.NONE, () -> {});
    }
    return new DraftedDecoding(
        sequence,
        sequence.newDraftSampler(SamplingOptions.GREEDY, null),
        new FixedLength(draftsPerPass),
        null,
        token -> false,
        DrawListener.NONE,
        () -> {});
  }

  /** Whether both answers have the same tokens. */
  public boolean says(TimedAnswer other) {
    return Arrays.equals(tokens, other.tokens);
  }
}
