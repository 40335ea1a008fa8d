package org.coreinfer.generation;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.IntPredicate;
import org.coreinfer.backend.Backend;
import org.coreinfer.model.Logits;
import org.coreinfer.sampling.DraftSampler;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.sampling.TokenConstraint;
import org.jspecify.annotations.Nullable;

/**
 * Core neurons draft a few tokens, one pass through every neuron verifies them: the answer is that
 * of dense decoding, and so are the keys and values that stay. Sampled tokens have the distribution
 * of dense decoding.
 *
 * <p>How many tokens are drafted depends on how many were accepted and, if the most likely token is
 * always taken, on measured times, which then can't change the answer. A sampled text depends on
 * the lengths of drafts, so there clocks are left out: the same seed gives the same text.
 */
final class DraftedDecoding implements TokenSource {
  private final Sequence sequence;
  private final DraftSampler sampler;
  private final IntPredicate isEnd;
  private final DrawListener draws;
  private final Runnable beforeStep;
  private final @Nullable DraftCosts timed;
  private final DraftLength length;
  private final Deque<Integer> verified = new ArrayDeque<>(); // tokens that were not handed out
  private int drafted;
  private int accepted;
  private int passes;

  /** Drafts as many tokens as pay; clocks count only if they can't change the answer. */
  static DraftedDecoding adaptive(
      Sequence sequence,
      SamplingOptions sampling,
      @Nullable TokenConstraint constraint,
      IntPredicate isEnd,
      DrawListener draws,
      Runnable beforeStep) {
    DraftCosts costs = new DraftCosts(sequence.draftCost());
    return new DraftedDecoding(
        sequence,
        sequence.newDraftSampler(sampling, constraint),
        new AdaptiveLength(costs),
        sampling.isGreedy() ? costs : null,
        isEnd,
        draws,
        beforeStep);
  }

  /**
   * @param timed hears how long drafts and passes take; null if nobody wants to know
   * @param isEnd tells tokens after which nothing need be drafted
   * @param draws hears of each draw that verifies
   * @param beforeStep called before each step; may throw to end the answer
   */
  DraftedDecoding(
      Sequence sequence,
      DraftSampler sampler,
      DraftLength length,
      @Nullable DraftCosts timed,
      IntPredicate isEnd,
      DrawListener draws,
      Runnable beforeStep) {
    this.sequence = sequence;
    this.sampler = sampler;
    this.length = length;
    this.timed = timed;
    this.isEnd = isEnd;
    this.draws = draws;
    this.beforeStep = beforeStep;
  }

  /** Remembers a token of the prompt for the repetition penalty. */
  void read(int token) {
    sampler.accept(token);
  }

  @Override
  public int first(Logits afterPrompt) {
    sampler.beginVerifying();
    return verify(afterPrompt);
  }

  @Override
  public int next(int most) {
    Integer waiting = verified.poll();
    if (waiting != null) {
      sequence.skip();
      return waiting;
    }
    int start = sequence.position();
    int room = Math.min(most, sequence.capacity() - start) - 1;
    int wanted = length.choose(Math.max(0, Math.min(room, Backend.DECODE_TOKENS - 1)));
    int[] drafts;
    try {
      drafts = draft(wanted);
      beforeStep.run();
    } catch (RuntimeException e) {
      sampler.abandon();
      throw e;
    } finally {
      sequence.takeBack(start);
    }
    return verify(drafts);
  }

  private int[] draft(int wanted) {
    int[] drafts = new int[wanted];
    int count = 0;
    long begin = System.nanoTime();
    boolean isOver = false;
    int token = sequence.pending();
    while (count < wanted && !isOver) {
      beforeStep.run();
      token = sampler.draft(sequence.draft(token));
      drafts[count++] = token;
      isOver = isEnd.test(token);
    }
    if (timed != null && count > 0) {
      timed.measuredDrafts(count, System.nanoTime() - begin);
    }
    return Arrays.copyOf(drafts, count);
  }

  private int verify(int[] drafts) {
    long begin = System.nanoTime();
    List<Logits> logits = sequence.verify(drafts);
    sampler.beginVerifying();
    int correct = 0;
    int token = verify(logits.get(0));
    while (correct < drafts.length && token == drafts[correct]) {
      verified.add(token);
      correct++;
      token = verify(logits.get(correct));
    }
    verified.add(token);
    if (timed != null) {
      timed.measuredPass(drafts.length + 1, System.nanoTime() - begin);
    }
    length.learn(drafts.length, correct);
    drafted += drafts.length;
    accepted += correct;
    passes++;
    return verified.remove();
  }

  private int verify(Logits logits) {
    draws.before(logits);
    int token = sampler.verify(logits);
    draws.drawn(token);
    return token;
  }

  @Override
  public Drafts drafts() {
    return new Drafts(drafted, accepted, passes);
  }
}
