package org.coreinfer.calibration;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.Decoder;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowCodec;

/**
 * Reads documents for a calibration, one at a time: on the machine that calibrates, or on another
 * with the same model. For one thread.
 */
public final class DocumentScoring implements AutoCloseable {
  private final DocumentReader reader;

  /**
   * @param settings whose rule scores
   * @param longest the most tokens of a document
   */
  public DocumentScoring(
      Decoder decoder, Calibrator.Settings settings, int longest, DType cacheDtype) {
    CoreOptions options =
        CoreOptions.stability(0.5).withRule(settings.rule()).withAlpha(settings.alpha());
    this.reader = new DocumentReader(decoder, options, longest, cacheDtype);
  }

  /** (layers, neurons) as BF16, little-endian: what a token of the document gives on average. */
  public byte[] scores(int[] ids) {
    float[][] means = reader.meanScores(ids);
    ByteBuffer bytes =
        ByteBuffer.allocate(means.length * means[0].length * Short.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (float[] layer : means) {
      RowCodec.encode(DType.BF16, layer, bytes);
    }
    return bytes.array();
  }

  /** (layers, neurons): what a score counts times. */
  float[][] rowWeights() {
    return reader.rowWeights();
  }

  @Override
  public void close() {
    reader.close();
  }
}
