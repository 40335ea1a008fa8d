package org.coreinfer.calibration;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowCodec;

/**
 * Documents that were read, each as every neuron's mean score: kept in a log as BF16, not in
 * memory. For one thread.
 */
final class ReadDocuments {
  private final CalibrationLog log;
  private final List<int[]> documents;
  private final int layers;
  private final int neurons;
  private final float[][] rowWeights;

  /**
   * Has read what the log does not hold yet.
   *
   * @param rowWeights (layers, neurons): what a score counts times
   * @param documents token ids
   * @param progress may throw to end the reading
   */
  ReadDocuments(
      Calibrator.Reading reading,
      float[][] rowWeights,
      ModelConfig config,
      List<int[]> documents,
      CalibrationLog log,
      DoubleConsumer progress) {
    this.log = log;
    this.documents = documents;
    this.layers = config.layers();
    this.neurons = config.neurons();
    this.rowWeights = rowWeights;
    List<Calibrator.Unread> unread =
        IntStream.range(0, documents.size())
            .filter(i -> log.find(key(i)) == null)
            .mapToObj(i -> new Calibrator.Unread(i, documents.get(i)))
            .toList();
    int[] done = {documents.size() - unread.size()};
    progress.accept((double) done[0] / documents.size());
    reading.read(
        unread,
        (document, scores) -> {
          log.put(key(document.index()), checked(scores));
          done[0]++;
          progress.accept((double) done[0] / documents.size());
        });
  }

  private byte[] checked(byte[] scores) {
    if (scores.length != layers * neurons * Short.BYTES) {
      throw new IllegalArgumentException(
          "%d bytes of scores: %d layers of %d neurons have %d; was another model read with?"
              .formatted(scores.length, layers, neurons, layers * neurons * Short.BYTES));
    }
    return scores;
  }

  private static String key(int index) {
    return "document " + index;
  }

  /** (layers, neurons): what a score counts times. */
  float[][] rowWeights() {
    return rowWeights;
  }

  /** (layers, neurons): mean scores of a document's tokens. */
  float[][] scores(int index) {
    byte[] found = log.find(key(index));
    if (found == null || found.length != layers * neurons * Short.BYTES) {
      throw new IllegalStateException("document " + index + " was not read");
    }
    ByteBuffer bytes = ByteBuffer.wrap(found).order(ByteOrder.LITTLE_ENDIAN);
    float[][] scores = new float[layers][neurons];
    for (float[] layer : scores) {
      RowCodec.decode(DType.BF16, bytes, layer);
    }
    return scores;
  }

  /** The roots of every document's mean scores in one layer. */
  List<float[]> roots(int layer) {
    return IntStream.range(0, documents.size()).mapToObj(i -> roots(scores(i)[layer])).toList();
  }

  private static float[] roots(float[] scores) {
    float[] roots = new float[scores.length];
    for (int i = 0; i < roots.length; i++) {
      roots[i] = (float) Math.sqrt(scores[i]);
    }
    return roots;
  }

  /** (layers, neurons): roots of the mean scores over all tokens of some documents. */
  float[][] meanRoots(List<Integer> some) {
    double[][] sums = new double[layers][neurons];
    double tokens = 0;
    for (int index : some) {
      float[][] scores = scores(index);
      double count = documents.get(index).length;
      for (int layer = 0; layer < layers; layer++) {
        for (int i = 0; i < neurons; i++) {
          sums[layer][i] += count * scores[layer][i];
        }
      }
      tokens += count;
    }
    float[][] roots = new float[layers][neurons];
    for (int layer = 0; layer < layers; layer++) {
      for (int i = 0; i < neurons; i++) {
        roots[layer][i] = (float) Math.sqrt(sums[layer][i] / tokens);
      }
    }
    return roots;
  }
}
