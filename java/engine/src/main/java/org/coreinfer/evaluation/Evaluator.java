package org.coreinfer.evaluation;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

/**
 * Compares core decoding with dense decoding on given texts. Each document's beginning is its
 * prompt, read densely once; the rest is fed token by token, first with every neuron and then, from
 * the prompt's end again, with the core neurons that the prompt chose. For one thread at a time.
 *
 * <p>The first scored token follows from the prompt alone, so both runs predict it alike.
 */
public final class Evaluator implements AutoCloseable {
  private final Decoder decoder;
  private final CoreOptions options;
  private final DecoderState state;
  private final Tally tally;

  /**
   * @param capacity the most tokens of a document
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Evaluator(Decoder decoder, CoreOptions options, int capacity, DType cacheDtype) {
    options.requireSuits(decoder.config());
    this.decoder = decoder;
    this.options = options;
    this.tally = new Tally(decoder.config().vocabulary());
    this.state =
        decoder.newState(
            capacity,
            Sequence.CHUNK,
            cacheDtype,
            layer -> options.mostChosen(layer, decoder.config()));
  }

  /**
   * How many of a document's tokens are its prompt: the fraction, rounded down, but at least one,
   * and leaving at least one.
   */
  public static int promptTokens(int tokens, double fraction) {
    return Math.max(1, Math.min(tokens - 1, (int) Math.floor(tokens * fraction)));
  }

  /**
   * Scores {@code ids} after the first {@code promptTokens}.
   *
   * @param monitor hears of the document's progress; may throw to end it, after which this
   *     evaluator is of no further use
   */
  public void add(int[] ids, int promptTokens, Decoder.Monitor monitor) {
    if (promptTokens < 1 || promptTokens >= ids.length) {
      throw new IllegalArgumentException(
          "prompt tokens=%d: expected 1 to %d".formatted(promptTokens, ids.length - 1));
    }
    state.truncate(0);
    try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
      Steps steps = new Steps(ids, promptTokens, monitor);
      int[] prompt = Arrays.copyOf(ids, promptTokens);
      Logits logits =
          decoder.prefill(state, prompt, Sequence.CHUNK, scores, null, steps::prefilled);
      NeuronSet core = scores.chosen(state);
      tally.dense().read(logits.read());
      tally.core().read(logits.read());
      tally.score(ids[promptTokens]);
      if (steps.count() > 0) {
        compare(steps, core);
      }
      tally.endDocument(ids.length - promptTokens, share(core));
    }
  }

  private void compare(Steps steps, NeuronSet core) {
    long rowBytes = (long) decoder.config().vocabulary() * Float.BYTES;
    long bytes = Math.multiplyExact(steps.count(), rowBytes);
    try (NativeMemory rows = state.queue().allocateHost("dense logits", bytes)) {
      for (int i = 0; i < steps.count(); i++) {
        FloatBuffer logits = decoder.decode(state, steps.input(i), decoder.allNeurons()).read();
        rows.slice(i * rowBytes, rowBytes).floats().put(logits);
        steps.decoded(i);
      }
      state.truncate(steps.promptTokens);
      for (int i = 0; i < steps.count(); i++) {
        tally.core().read(decoder.decode(state, steps.input(i), core).read());
        tally.dense().read(rows.slice(i * rowBytes, rowBytes).floats());
        tally.score(steps.target(i));
        steps.decoded(steps.count() + i);
      }
    }
  }

  private double share(NeuronSet set) {
    long computed = IntStream.range(0, set.layers()).mapToLong(set::count).sum();
    return (double) computed / ((long) set.layers() * decoder.config().neurons());
  }

  /**
   * The outcome of all documents so far.
   *
   * @throws IllegalStateException if there is none
   */
  public Evaluation result() {
    return tally.result();
  }

  @Override
  public void close() {
    state.close();
  }

  /** The decode steps of one document, each made twice, and its progress. */
  private static final class Steps {
    private final int[] ids;
    private final int promptTokens;
    private final Decoder.Monitor monitor;

    Steps(int[] ids, int promptTokens, Decoder.Monitor monitor) {
      this.ids = ids;
      this.promptTokens = promptTokens;
      this.monitor = monitor;
    }

    /** Tokens that are fed after the prompt; the last one is only predicted. */
    int count() {
      return ids.length - promptTokens - 1;
    }

    int input(int step) {
      return ids[promptTokens + step];
    }

    int target(int step) {
      return ids[promptTokens + step + 1];
    }

    void prefilled(double fraction) {
      progress(fraction * promptTokens);
    }

    void decoded(int step) {
      progress(promptTokens + step + 1);
    }

    private void progress(double tokens) {
      monitor.progress(tokens / (promptTokens + 2.0 * count()));
    }
  }
}
