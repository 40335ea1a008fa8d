package org.coreinfer.evaluation.task;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.tensor.DType;
import org.coreinfer.text.StreamDecoder;
import org.coreinfer.text.Tokenizer;

/**
 * Greedy answers to prompts, each of which is read once, densely, and answered twice: with its core
 * neurons and, from its end again, with every neuron. The first token is thus the same. For one
 * thread at a time.
 */
final class PairedDecoding implements AutoCloseable {
  private final Decoder decoder;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final Sequence sequence;

  /**
   * @param capacity the most tokens of prompt and answer
   * @param cacheDtype of keys and values, F32 or F16
   */
  PairedDecoding(
      Decoder decoder, Tokenizer tokenizer, CoreOptions options, int capacity, DType cacheDtype) {
    options.requireSuits(decoder.config());
    this.decoder = decoder;
    this.tokenizer = tokenizer;
    this.endTokens =
        Arrays.stream(tokenizer.endTokens()).boxed().collect(Collectors.toUnmodifiableSet());
    this.sequence = new Sequence(decoder, options, capacity, cacheDtype);
  }

  /**
   * Both answers to one prompt.
   *
   * @param keep share of neurons that the core answer computed
   */
  record Pair(Answer dense, Answer core, double keep, int promptTokens, long prefillNanos) {}

  /** The most tokens of prompt and answer. */
  int capacity() {
    return sequence.capacity();
  }

  /**
   * Answers a prompt.
   *
   * @param stop ends an answer, and is not part of it
   * @param monitor hears of the progress; may throw to end it
   */
  Pair answer(int[] prompt, String stop, int maxTokens, Decoder.Monitor monitor) {
    sequence.rewind(0);
    double work = prompt.length + 2.0 * maxTokens;
    long begin = System.nanoTime();
    Logits logits = sequence.prefill(prompt, done -> monitor.progress(done * prompt.length / work));
    int first = sequence.newSampler(SamplingOptions.GREEDY).sample(logits);
    long prefillNanos = System.nanoTime() - begin;
    IntConsumer onCore = tokens -> monitor.progress((prompt.length + tokens) / work);
    Answer core = decode(first, stop, maxTokens, sequence::decode, onCore);
    double keep = keep(core);
    sequence.rewind(prompt.length);
    IntConsumer onDense = tokens -> monitor.progress((prompt.length + maxTokens + tokens) / work);
    Answer dense = decode(first, stop, maxTokens, sequence::decodeDensely, onDense);
    return new Pair(dense, core, keep, prompt.length, prefillNanos);
  }

  /**
   * Goes on after {@code first} as long as the answer does.
   *
   * @param onToken hears how many tokens there are
   */
  private Answer decode(
      int first, String stop, int maxTokens, Supplier<Logits> step, IntConsumer onToken) {
    Sampler sampler = sequence.newSampler(SamplingOptions.GREEDY);
    StreamDecoder pieces = tokenizer.newStreamDecoder(false);
    StringBuilder text = new StringBuilder();
    List<Integer> tokens = new ArrayList<>();
    long nanos = 0;
    int token = first;
    while (true) {
      tokens.add(token);
      onToken.accept(tokens.size());
      boolean isEnd = endTokens.contains(token);
      if (!isEnd) {
        text.append(pieces.next(token));
        sequence.accept(token);
      }
      if (isEnd || text.indexOf(stop) >= 0 || tokens.size() >= maxTokens || sequence.isFull()) {
        break;
      }
      long begin = System.nanoTime();
      token = sampler.sample(step.get());
      nanos += System.nanoTime() - begin;
    }
    text.append(pieces.flush());
    int end = text.indexOf(stop);
    String answer = end < 0 ? text.toString() : text.substring(0, end);
    return new Answer(tokens, answer, tokens.size() - 1, nanos);
  }

  /** Of the core answer, whose refreshes computed every neuron. */
  private double keep(Answer core) {
    double refreshed = (double) sequence.refreshes().count() / Math.max(1, core.steps());
    return refreshed + (1 - refreshed) * share(sequence.neurons());
  }

  private double share(NeuronSet set) {
    long computed = IntStream.range(0, set.layers()).mapToLong(set::count).sum();
    return (double) computed / ((long) set.layers() * decoder.config().neurons());
  }

  @Override
  public void close() {
    sequence.close();
  }
}
