package org.coreinfer.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.coreinfer.ChiSquare;
import org.coreinfer.RandomModel;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.family.Families;
import org.coreinfer.sampling.Adjustments;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rounds of given lengths over a small random model. */
class DraftedDecodingTest {
  private static final int[] PROMPT = {5, 9, 17, 3, 40, 22};
  private static final CoreOptions CORE =
      CoreOptions.stability(0.3).withUpkeep(new Upkeep(0, false, true));
  private static final int ANSWERS = 2000;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private interface Work {
    void with(Decoder decoder);
  }

  private void withDecoder(Work work) {
    try (WeightFile file = WeightFile.open(RandomModel.write(folder, DType.F32), Host::map);
        Backend backend = Host.cpu(1);
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 64, fraction -> {})) {
      work.with(decoder);
    }
  }

  private static DraftedDecoding decoding(
      Sequence sequence, SamplingOptions sampling, int length, Runnable beforeStep) {
    DraftedDecoding decoding =
        new DraftedDecoding(
            sequence,
            sequence.newDraftSampler(sampling, null),
            new FixedLength(length),
            null,
            token -> false,
            DrawListener.NONE,
            beforeStep);
    IntStream.of(PROMPT).forEach(decoding::read);
    return decoding;
  }

  private static Sequence sequence(Decoder decoder) {
    return new Sequence(decoder, CORE, 32, DType.F32);
  }

  private static int[] answer(Sequence sequence, DraftedDecoding decoding, int tokens) {
    int[] answer = new int[tokens];
    answer[0] = decoding.first(sequence.prefill(PROMPT, fraction -> {}));
    sequence.accept(answer[0]);
    for (int i = 1; i < tokens; i++) {
      answer[i] = decoding.next(tokens - i);
      sequence.accept(answer[i]);
    }
    return answer;
  }

  /** Softmax over what the options leave, written down once more. */
  private static double[] probabilities(
      FloatBuffer logits, SamplingOptions sampling, List<Integer> before) {
    double[] scaled = new double[logits.limit()];
    for (int i = 0; i < scaled.length; i++) {
      double logit = logits.get(i);
      if (before.contains(i)) {
        float penalty = (float) sampling.repeatPenalty();
        logit = logit > 0 ? (float) logit / penalty : (float) logit * penalty;
      }
      Adjustments added = sampling.adjustments();
      int token = i;
      long count = before.stream().skip(PROMPT.length).filter(t -> t == token).count();
      logit -= count * added.frequencyPenalty() + (count > 0 ? added.presencePenalty() : 0);
      logit += added.bias().getOrDefault(i, 0.0);
      scaled[i] = logit / (float) sampling.temperature();
    }
    int[] ranked =
        IntStream.range(0, scaled.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -scaled[i]))
            .mapToInt(Integer::intValue)
            .limit(sampling.topK())
            .toArray();
    double sum = IntStream.of(ranked).mapToDouble(i -> Math.exp(scaled[i])).sum();
    double[] probabilities = new double[scaled.length];
    double kept = 0;
    for (int i : ranked) {
      if (kept < sampling.topP()) {
        probabilities[i] = Math.exp(scaled[i]) / sum;
        kept += probabilities[i];
      }
    }
    double all = kept;
    return Arrays.stream(probabilities).map(p -> p / all).toArray();
  }

  /** Every text of {@code length} tokens with its probability, by dense decoding. */
  private static void walk(
      Decoder decoder,
      DecoderState state,
      SamplingOptions sampling,
      List<Integer> text,
      double[] next,
      double probability,
      int length,
      List<List<Integer>> texts,
      List<Double> all) {
    for (int token = 0; token < next.length; token++) {
      if (next[token] == 0) {
        continue;
      }
      List<Integer> longer = new ArrayList<>(text);
      longer.add(token);
      double chance = probability * next[token];
      if (length == 1) {
        texts.add(longer.subList(PROMPT.length, longer.size()));
        all.add(chance);
      } else {
        FloatBuffer logits = decoder.decode(state, token, decoder.allNeurons()).read();
        double[] after = probabilities(logits, sampling, longer);
        walk(decoder, state, sampling, longer, after, chance, length - 1, texts, all);
        state.truncate(state.position() - 1);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 3, 1, 1, 1, 0, 0",
    "3, 3, 1, 1, 3, 0, 0",
    "2.5, 4, 0.9, 1.3, 2, 0, 0",
    "1.5, 3, 1, 1, 0, 0, 0",
    "3, 3, 1, 1, 3, 1.5, 0.7"
  })
  void sampledTextsHaveTheProbabilitiesOfDenseDecoding(
      double temperature,
      int topK,
      double topP,
      double penalty,
      int length,
      double frequencyPenalty,
      double presencePenalty) {
    SamplingOptions sampling =
        SamplingOptions.GREEDY
            .withTemperature(temperature)
            .withTopK(topK)
            .withTopP(topP)
            .withRepeatPenalty(penalty)
            .withFrequencyPenalty(frequencyPenalty)
            .withPresencePenalty(presencePenalty)
            .withLogitBias(frequencyPenalty == 0 ? Map.of() : Map.of(7, 2.5, 30, -100.0));
    withDecoder(
        decoder -> {
          List<Integer> prompt = IntStream.of(PROMPT).boxed().toList();
          List<List<Integer>> texts = new ArrayList<>();
          List<Double> expected = new ArrayList<>();
          try (DecoderState state = decoder.newState(32, 32, DType.F32)) {
            FloatBuffer first =
                decoder
                    .prefill(state, PROMPT, 32, ActivationListener.NONE, null, fraction -> {})
                    .read();
            double[] next = probabilities(first, sampling, prompt);
            walk(decoder, state, sampling, prompt, next, 1, 3, texts, expected);
          }
          assertEquals(1, expected.stream().mapToDouble(p -> p).sum(), 1e-6);
          long[] counts = new long[texts.size()];
          int drafted = 0;
          int accepted = 0;
          try (Sequence sequence = sequence(decoder)) {
            for (int seed = 0; seed < ANSWERS; seed++) {
              sequence.rewind(0);
              DraftedDecoding decoding =
                  decoding(sequence, sampling.withSeed(seed), length, () -> {});
              // A fourth token, so that three can be drafted.
              int[] answer = answer(sequence, decoding, 4);
              List<Integer> text = IntStream.of(answer).limit(3).boxed().toList();
              assertTrue(texts.contains(text), "impossible: " + text);
              counts[texts.indexOf(text)]++;
              drafted += decoding.drafts().drafted();
              accepted += decoding.drafts().accepted();
            }
          }
          if (length > 0) {
            assertTrue(accepted > 0 && accepted < drafted, accepted + " of " + drafted);
          }
          ChiSquare.check(counts, expected.stream().mapToDouble(p -> p).toArray());
        });
  }

  @Test
  void greedyRoundsOfAnyLengthGiveTheSameTokensKeysAndValues() {
    withDecoder(
        decoder -> {
          int[] expected = null;
          float[] expectedAfter = null;
          for (int length : new int[] {0, 1, 2, 5, 15}) {
            try (Sequence sequence = sequence(decoder)) {
              DraftedDecoding decoding =
                  decoding(sequence, SamplingOptions.GREEDY, length, () -> {});
              int[] answer = answer(sequence, decoding, 20);
              assertEquals(PROMPT.length + 19, sequence.position());
              FloatBuffer logits = sequence.prefill(new int[] {1, 2}, fraction -> {}).read();
              float[] after = new float[logits.limit()];
              logits.get(after);
              if (expected == null || expectedAfter == null) {
                expected = answer;
                expectedAfter = after;
              }
              assertArrayEquals(expected, answer, "length " + length);
              assertArrayEquals(expectedAfter, after, 0f, "length " + length);
            }
          }
        });
  }

  @Test
  void roundsThatEndEarlyLeaveTheSequenceAsItWas() {
    withDecoder(
        decoder -> {
          int[] expected;
          try (Sequence sequence = sequence(decoder)) {
            expected =
                answer(sequence, decoding(sequence, SamplingOptions.GREEDY, 4, () -> {}), 12);
          }
          for (int steps = 1; steps < 12; steps++) {
            AtomicInteger left = new AtomicInteger(steps);
            try (Sequence sequence = sequence(decoder)) {
              Runnable cancel =
                  () -> {
                    if (left.decrementAndGet() == 0) {
                      throw new GenerationCancelledException("cancelled in the middle");
                    }
                  };
              DraftedDecoding decoding = decoding(sequence, SamplingOptions.GREEDY, 4, cancel);
              int[] answer = new int[12];
              answer[0] = decoding.first(sequence.prefill(PROMPT, fraction -> {}));
              sequence.accept(answer[0]);
              int cancelled = 0;
              for (int i = 1; i < 12; i++) {
                int position = sequence.position();
                int pending = sequence.pending();
                try {
                  answer[i] = decoding.next(12 - i);
                } catch (GenerationCancelledException e) {
                  cancelled++;
                  assertEquals(position, sequence.position());
                  assertEquals(pending, sequence.pending());
                  answer[i] = decoding.next(12 - i);
                }
                sequence.accept(answer[i]);
              }
              assertEquals(1, cancelled);
              assertArrayEquals(expected, answer);
            }
          }
        });
  }

  @Test
  void draftsEndWithTheContextAndTheAnswer() {
    withDecoder(
        decoder -> {
          try (Sequence sequence = sequence(decoder)) {
            DraftedDecoding decoding = decoding(sequence, SamplingOptions.GREEDY, 15, () -> {});
            sequence.accept(decoding.first(sequence.prefill(PROMPT, fraction -> {})));
            while (!sequence.isFull()) {
              sequence.accept(decoding.next(100));
            }
            assertEquals(32, sequence.position());
            assertThrows(IllegalArgumentException.class, () -> decoding.next(100));
          }
        });
  }
}
