package org.coreinfer.evaluation;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Compares core decoding with dense decoding, document by document. The beginning of a document is
 * its prompt; the rest is fed token by token, once densely and then with the neurons that options
 * choose. For one thread at a time.
 *
 * <p>The first scored token follows from the prompt alone, so all runs predict it alike. Of
 * lossless options the draft is what is compared, as their answers are those of dense decoding.
 */
public final class Comparison {
  private final Decoder decoder;
  private final DType cacheDtype;
  private final Prediction dense;
  private final Prediction core;

  /**
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Comparison(Decoder decoder, DType cacheDtype) {
    this.decoder = decoder;
    this.cacheDtype = cacheDtype;
    this.dense = new Prediction(decoder.config().vocabulary());
    this.core = new Prediction(decoder.config().vocabulary());
  }

  /** Bytes that a {@link DenseReference} takes for each scored token. */
  public static long bytesPerToken(Decoder decoder) {
    return (long) decoder.config().vocabulary() * Float.BYTES;
  }

  /**
   * Decodes a document densely.
   *
   * @param promptTokens how many of {@code ids} are the prompt, at least 1, leaving at least 1
   * @param monitor may throw to end the run
   * @return the predictions, which the caller closes
   */
  public DenseReference dense(int[] ids, int promptTokens, Decoder.Monitor monitor) {
    if (promptTokens < 1 || promptTokens >= ids.length) {
      throw new IllegalArgumentException(
          "prompt tokens=%d: expected 1 to %d".formatted(promptTokens, ids.length - 1));
    }
    try (Sequence sequence = newSequence(CoreOptions.dense(), ids.length)) {
      long bytes = Math.multiplyExact(ids.length - promptTokens, bytesPerToken(decoder));
      NativeMemory logits = decoder.backend().allocateHost("dense logits", bytes);
      DenseReference reference = new DenseReference(ids, promptTokens, logits);
      try {
        force(
            sequence,
            reference,
            monitor,
            (scored, neurons, predicted) -> reference.row(scored).floats().put(predicted.read()));
        return reference;
      } catch (RuntimeException e) {
        reference.close();
        throw e;
      }
    }
  }

  /**
   * Decodes a document with the neurons that {@code options} choose.
   *
   * @param monitor may throw to end the run
   */
  public DocumentScores compare(
      DenseReference reference, CoreOptions options, Decoder.Monitor monitor) {
    Upkeep upkeep = options.upkeep();
    CoreOptions draft =
        options.withUpkeep(new Upkeep(upkeep.refresh(), upkeep.compensates(), false));
    try (Sequence sequence = newSequence(draft, reference.ids().length)) {
      Scores scores = new Scores(reference);
      force(sequence, reference, monitor, scores);
      return scores.total();
    }
  }

  private Sequence newSequence(CoreOptions options, int tokens) {
    return new Sequence(decoder, options, tokens, cacheDtype);
  }

  /** Receives what stands before each scored token. */
  private interface Listener {
    /**
     * @param scored counts scored tokens from 0
     * @param neurons that were computed for {@code predicted}; for the first those that come next
     */
    void predicted(int scored, NeuronSet neurons, Logits predicted);
  }

  /** Reads the prompt, then decodes each further token but the last: the one such loop there is. */
  private static void force(
      Sequence sequence, DenseReference text, Decoder.Monitor monitor, Listener listener) {
    int[] ids = text.ids();
    int prompt = text.promptTokens();
    double steps = ids.length - 1;
    Logits logits =
        sequence.prefill(
            Arrays.copyOf(ids, prompt), part -> monitor.progress(part * prompt / steps));
    listener.predicted(0, sequence.neurons(), logits);
    for (int i = prompt; i < ids.length - 1; i++) {
      NeuronSet neurons = sequence.nextNeurons();
      sequence.accept(ids[i]);
      listener.predicted(i + 1 - prompt, neurons, sequence.decode());
      monitor.progress((i + 1) / steps);
    }
  }

  /** Sums over one document. */
  private final class Scores implements Listener {
    private final DenseReference reference;
    private double denseNll;
    private double coreNll;
    private double divergence;
    private int agreements;
    private double common;
    private double keep;
    private double bytes;
    private @Nullable NeuronSet prompted;
    private @Nullable NeuronSet current;
    private double currentKeep;
    private double currentBytes;

    Scores(DenseReference reference) {
      this.reference = reference;
    }

    @Override
    public void predicted(int scored, NeuronSet neurons, Logits predicted) {
      core.read(predicted.read());
      dense.read(reference.row(scored).floats());
      int token = reference.ids()[reference.promptTokens() + scored];
      denseNll -= dense.logProbability(token);
      coreNll -= core.logProbability(token);
      divergence += dense.divergenceOf(core);
      agreements += dense.best() == core.best() ? 1 : 0;
      common += dense.commonWith(core);
      count(neurons);
    }

    private void count(NeuronSet neurons) {
      if (neurons != current) {
        current = neurons;
        currentKeep = IntStream.range(0, neurons.layers()).mapToLong(neurons::count).sum();
        currentKeep /= (double) neurons.layers() * neurons.neurons();
        currentBytes = decoder.bytesPerToken(neurons);
      }
      if (prompted == null) {
        prompted = neurons;
      }
      keep += currentKeep;
      bytes += currentBytes;
    }

    DocumentScores total() {
      NeuronSet chosen = prompted == null ? decoder.allNeurons() : prompted;
      return new DocumentScores(
          reference.scoredTokens(),
          denseNll,
          coreNll,
          divergence,
          agreements,
          common,
          keep,
          bytes,
          chosen);
    }
  }
}
