package org.coreinfer.calibration;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.evaluation.Prediction;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

/**
 * The mean KL divergence of core decoding from dense decoding on the same few documents, for any
 * options. A document's first half is its prompt. The dense predictions are computed once and kept.
 * For one thread.
 */
final class DivergenceMeter implements AutoCloseable {
  /** Tokens that are scored after a document's prompt, at most. */
  static final int SCORED = 64;

  private final Decoder decoder;
  private final DecoderState state;
  private final Prediction dense;
  private final Prediction core;
  private final List<Sample> samples = new ArrayList<>();

  /**
   * A document and its dense predictions.
   *
   * @param logits (steps, vocabulary), after each token that follows the prompt
   */
  private record Sample(int[] ids, int promptTokens, NativeMemory logits) {
    int steps() {
      return ids.length - promptTokens;
    }
  }

  /**
   * @param capacity the most tokens of a document
   */
  DivergenceMeter(Decoder decoder, int capacity, DType cacheDtype) {
    this.decoder = decoder;
    this.dense = new Prediction(decoder.config().vocabulary());
    this.core = new Prediction(decoder.config().vocabulary());
    this.state = decoder.newState(capacity, Sequence.CHUNK, cacheDtype);
  }

  /** Bytes that a document's predictions take. */
  static long bytesPerDocument(Decoder decoder) {
    return (long) SCORED * decoder.config().vocabulary() * Float.BYTES;
  }

  /** Adds a document of two tokens or more, of which no more than needed is read. */
  void add(int[] document) {
    int promptTokens = Evaluator.promptTokens(document.length, 0.5);
    int[] ids = Arrays.copyOf(document, Math.min(document.length, promptTokens + SCORED));
    long rowBytes = (long) decoder.config().vocabulary() * Float.BYTES;
    int steps = ids.length - promptTokens;
    NativeMemory logits = state.queue().allocateHost("dense logits", steps * rowBytes);
    Sample sample = new Sample(ids, promptTokens, logits);
    samples.add(sample);
    prefill(sample, ActivationListener.NONE);
    for (int i = 0; i < steps; i++) {
      logits
          .slice(i * rowBytes, rowBytes)
          .floats()
          .put(decoder.decode(state, ids[promptTokens + i], decoder.allNeurons()).read());
    }
  }

  /** The bytes of what stands for left-out neurons, as a share of those of all neurons. */
  double shareOfBytes(CoreOptions options) {
    try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
      NeuronSet all = decoder.allNeurons();
      long tail = decoder.bytesPerToken(all.withTail(scores.tail())) - decoder.bytesPerToken(all);
      return (double) tail / decoder.ffnBytes();
    }
  }

  /** Nats per token. */
  double measure(CoreOptions options) {
    double sum = 0;
    long count = 0;
    long rowBytes = (long) decoder.config().vocabulary() * Float.BYTES;
    for (Sample sample : samples) {
      try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
        prefill(sample, scores);
        NeuronSet chosen = scores.chosen(state);
        for (int i = 0; i < sample.steps(); i++) {
          int token = sample.ids()[sample.promptTokens() + i];
          core.read(decoder.decode(state, token, chosen).read());
          dense.read(sample.logits().slice(i * rowBytes, rowBytes).floats());
          sum += dense.divergenceOf(core);
          count++;
        }
      }
    }
    return Math.max(0, sum / count);
  }

  private void prefill(Sample sample, ActivationListener listener) {
    state.truncate(0);
    int[] prompt = Arrays.copyOf(sample.ids(), sample.promptTokens());
    decoder.prefill(state, prompt, Sequence.CHUNK, listener, null, fraction -> {});
  }

  @Override
  public void close() {
    samples.forEach(sample -> sample.logits().close());
    state.close();
  }
}
