package org.coreinfer.calibration;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.evaluation.Comparison;
import org.coreinfer.evaluation.DenseReference;
import org.coreinfer.evaluation.DocumentScores;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.DType;

/**
 * The mean KL divergence of core decoding from dense decoding on the same few documents, for any
 * options. A document's first half is its prompt. The dense predictions are computed once and kept.
 * For one thread.
 */
final class DivergenceMeter implements AutoCloseable {
  /** Tokens that are scored after a document's prompt, at most. */
  static final int SCORED = 64;

  private final Decoder decoder;
  private final Comparison comparison;
  private final List<DenseReference> references = new ArrayList<>();

  DivergenceMeter(Decoder decoder, DType cacheDtype) {
    this.decoder = decoder;
    this.comparison = new Comparison(decoder, cacheDtype);
  }

  /** Bytes that a document's predictions take. */
  static long bytesPerDocument(Decoder decoder) {
    return SCORED * Comparison.bytesPerToken(decoder);
  }

  /** Adds a document of two tokens or more, of which no more than needed is read. */
  void add(int[] document) {
    int promptTokens = Evaluator.promptTokens(document.length, 0.5);
    int[] ids = Arrays.copyOf(document, Math.min(document.length, promptTokens + SCORED));
    references.add(comparison.dense(ids, promptTokens, fraction -> {}));
  }

  /** The bytes of what stands for left-out neurons, as a share of those of all neurons. */
  double shareOfBytes(CoreOptions options) {
    try (NeuronScores scores = new NeuronScores(decoder, decoder.backend(), options)) {
      NeuronSet all = decoder.allNeurons();
      long tail = decoder.bytesPerToken(all.withTail(scores.tail())) - decoder.bytesPerToken(all);
      return (double) tail / decoder.ffnBytes();
    }
  }

  /** Nats per token. */
  double measure(CoreOptions options) {
    double sum = 0;
    long count = 0;
    for (DenseReference reference : references) {
      DocumentScores scores = comparison.compare(reference, options, fraction -> {});
      sum += scores.divergence();
      count += scores.tokens();
    }
    return Math.max(0, sum / count);
  }

  @Override
  public void close() {
    references.forEach(DenseReference::close);
  }
}
