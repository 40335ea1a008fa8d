package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Measures how quickly prompts are read and answers are decoded. Prompts are random tokens, answers
 * greedy ones that nothing ends; reading a prompt includes scoring and choosing its core neurons.
 * All options are measured in each round, so that a machine's moods hit them alike.
 */
public final class SpeedTest {
  private static final int WARM_PROMPT = 64;
  // after which dense decoding has packed its rows
  private static final int WARM_ANSWER = 16;

  private final Decoder decoder;
  private final DType cacheDtype;
  private final SpeedPlan plan;
  private final Map<Key, List<Double>> rates = new LinkedHashMap<>();
  private final Map<Key, Long> bytes = new LinkedHashMap<>();
  private double work;
  private double done;

  /** One thing that is measured. */
  private record Key(Kind kind, int tokens, CoreOptions options) {}

  /** What is done with tokens. */
  public enum Kind {
    PROMPT,
    ANSWER
  }

  /**
   * What was measured of one thing.
   *
   * @param tokens of the prompt or the answer
   * @param rate tokens per second
   * @param bytesPerToken weights that decoding a token read, on average; null of a prompt, whose
   *     tokens share what is read
   */
  public record Result(
      Kind kind, int tokens, CoreOptions options, Rate rate, @Nullable Long bytesPerToken) {}

  /**
   * @param cacheDtype of keys and values
   * @throws IllegalArgumentException if the model can't hold such texts
   */
  public SpeedTest(Decoder decoder, DType cacheDtype, SpeedPlan plan) {
    this.decoder = decoder;
    this.cacheDtype = cacheDtype;
    this.plan = plan;
    if (plan.context() > decoder.maxPositions()) {
      throw new IllegalArgumentException(
          "context=%d: expected %d or more, for these prompts and answers"
              .formatted(decoder.maxPositions(), plan.context()));
    }
    plan.options().forEach(options -> options.requireSuits(decoder.config()));
  }

  /**
   * Measures everything.
   *
   * @param betweenRounds is run before each round
   * @param progress receives the fraction that is done; may throw to end it
   */
  public List<Result> run(Runnable betweenRounds, DoubleConsumer progress) {
    int all =
        plan.prompts().stream().mapToInt(Integer::intValue).sum()
            + plan.answers().stream().mapToInt(n -> 8 * n).sum(); // decoding takes longer
    work = (double) all * plan.rounds() * plan.options().size();
    plan.options().forEach(options -> warmUp(options, progress));
    rates.clear();
    bytes.clear();
    done = 0;
    for (int round = 0; round < plan.rounds(); round++) {
      betweenRounds.run();
      for (CoreOptions options : plan.options()) {
        measure(options, plan.prompts(), plan.answers(), progress);
      }
    }
    return results();
  }

  /** Brings weights into memory and Java's code to speed. */
  private void warmUp(CoreOptions options, DoubleConsumer progress) {
    List<Integer> prompts = plan.prompts().stream().map(n -> Math.min(n, WARM_PROMPT)).toList();
    List<Integer> answers = plan.answers().stream().map(n -> Math.min(n, WARM_ANSWER)).toList();
    measure(options, prompts, answers, fraction -> progress.accept(0));
  }

  private void measure(
      CoreOptions options, List<Integer> prompts, List<Integer> answers, DoubleConsumer progress) {
    try (Sequence sequence = new Sequence(decoder, options, plan.context(), cacheDtype)) {
      for (int tokens : prompts) {
        sequence.rewind(0);
        long nanos = read(sequence, tokens, progress);
        note(new Key(Kind.PROMPT, tokens, options), tokens, nanos);
      }
      if (!answers.isEmpty()) {
        chooseNeurons(sequence, progress);
      }
      for (int tokens : answers) {
        sequence.rewind(plan.begin());
        int refreshed = sequence.refreshes().count();
        long nanos = decode(sequence, tokens, progress);
        Key key = new Key(Kind.ANSWER, tokens, options);
        note(key, tokens, nanos);
        bytes.put(key, bytesPerToken(sequence, tokens, sequence.refreshes().count() - refreshed));
      }
    }
  }

  private long read(Sequence sequence, int tokens, DoubleConsumer progress) {
    int[] prompt = RandomNumbers.tokens(decoder.config().vocabulary(), tokens);
    Sampler sampler = sequence.newSampler(SamplingOptions.GREEDY);
    double before = done;
    long begin = System.nanoTime();
    sampler.sample(
        sequence.prefill(prompt, fraction -> progress.accept((before + fraction * tokens) / work)));
    long nanos = System.nanoTime() - begin;
    done = before + tokens;
    return nanos;
  }

  /**
   * Reads a prompt, or more of it, if it was too short to choose or to decode after. Then decodes a
   * token, as the first one costs more: it brings the neurons to the device and records the step.
   */
  private void chooseNeurons(Sequence sequence, DoubleConsumer progress) {
    int least = Math.max(plan.depth(), SpeedPlan.CHOOSING_TOKENS);
    if (sequence.position() < least) {
      double before = done;
      read(sequence, least - sequence.position(), progress);
      done = before;
    }
    sequence.rewind(plan.begin());
    sequence.accept(0);
    sequence.newSampler(SamplingOptions.GREEDY).sample(sequence.decode());
  }

  private long decode(Sequence sequence, int tokens, DoubleConsumer progress) {
    Sampler sampler = sequence.newSampler(SamplingOptions.GREEDY);
    int token = RandomNumbers.tokens(decoder.config().vocabulary(), 1)[0];
    double before = done;
    long begin = System.nanoTime();
    for (int i = 0; i < tokens; i++) {
      sequence.accept(token);
      Logits logits = sequence.decode();
      token = sampler.sample(logits);
      progress.accept((before + 8.0 * i) / work);
    }
    long nanos = System.nanoTime() - begin;
    done = before + 8.0 * tokens;
    return nanos;
  }

  private long bytesPerToken(Sequence sequence, int tokens, int refreshed) {
    long core = decoder.bytesPerToken(sequence.neurons());
    long dense = decoder.bytesPerToken(decoder.allNeurons());
    return (core * (tokens - refreshed) + dense * refreshed) / tokens;
  }

  private void note(Key key, int tokens, long nanos) {
    rates.computeIfAbsent(key, k -> new ArrayList<>()).add(tokens * 1e9 / Math.max(1, nanos));
  }

  private List<Result> results() {
    List<Result> results = new ArrayList<>();
    rates.forEach(
        (key, values) ->
            results.add(
                new Result(
                    key.kind(), key.tokens(), key.options(), Rate.of(values), bytes.get(key))));
    return results;
  }
}
