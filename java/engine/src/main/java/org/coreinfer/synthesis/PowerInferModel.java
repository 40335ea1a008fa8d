package org.coreinfer.synthesis;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Quantization;

/**
 * Writes a Llama with ReLU gates and random weights in PowerInfer's variant of GGUF: down
 * projections transposed, and in each layer a predictor of two matrices that tells for each token
 * which neurons are computed, those with {@code fc2 · relu(fc1 · x) >= threshold}.
 *
 * <p>The fraction that it lets through is chosen: the embedding holds a constant in element 0,
 * which no layer changes, and other layers hardly change the rest, so that every predictor sees
 * numbers that are normally distributed, and says such numbers. The constant lifts the gates of all
 * neurons, so that whatever is predicted fires.
 */
public final class PowerInferModel {
  /** Fewer rows than this predict no fraction well. */
  private static final int LEAST_RANK = 32;

  private static final double SMALL = 0.001;
  private static final double ALL = -1e9;

  private final ModelShape shape;
  private final WeightSheet sheet;

  private PowerInferModel(
      ModelShape shape, Quantization quantization, long seed, double threshold) {
    this.shape = shape;
    GgufWriter writer = GgufWriter.ofPowerInfer();
    this.sheet = new WeightSheet(shape, quantization, seed, writer);
    writer.number("powerinfer.sparse_threshold", (float) threshold);
    if (shape.kind() == ModelShape.Kind.LLAMA_2) {
      SyntheticVocabulary.putSentencePiece(writer, shape.vocabulary());
    } else {
      SyntheticVocabulary.putByteLevel(writer, shape.vocabulary(), "");
    }
  }

  /**
   * Writes the file; a failure leaves none.
   *
   * @param quantization F16 or Q4_0, which PowerInfer knows
   * @param active the fraction of neurons that predictors let through, above 0, at most 1
   * @throws IllegalArgumentException if PowerInfer could not read such a model
   */
  public static void write(
      ModelShape shape,
      Quantization quantization,
      long seed,
      double active,
      Path file,
      GgufWriter.Progress progress) {
    requireReadable(shape, quantization);
    PowerInferModel model = new PowerInferModel(shape, quantization, seed, threshold(active));
    model.putOuterTensors();
    for (int layer = 0; layer < shape.layers(); layer++) {
      model.putLayer("blk." + layer + ".");
    }
    model.sheet.write(file, progress);
  }

  /**
   * Checks that PowerInfer reads such models.
   *
   * @throws IllegalArgumentException if not
   */
  public static void requireReadable(ModelShape shape, Quantization quantization) {
    if (!shape.architecture().equals("llama")) {
      throw new IllegalArgumentException(
          "PowerInfer's files are Llamas here, and the shape " + shape.name() + " is none");
    }
    if (quantization != Quantization.F16 && quantization != Quantization.Q4_0) {
      throw new IllegalArgumentException("PowerInfer's files are f16 or q4_0, not " + quantization);
    }
  }

  /**
   * What a predictor must say for a neuron to be computed.
   *
   * @param active the fraction of neurons that are to be, above 0, at most 1
   */
  public static double threshold(double active) {
    if (!(active > 0 && active <= 1)) {
      throw new IllegalArgumentException("active=" + active + ": expected above 0, at most 1");
    }
    return active == 1 ? ALL : quantile(1 - active);
  }

  /** Rows of a predictor's first matrix: 1024 for a 7B model, as PowerInfer's own have. */
  public static int rank(ModelShape shape) {
    return Math.max(LEAST_RANK, shape.dim() / 4 / LEAST_RANK * LEAST_RANK);
  }

  /** The number below which a normally distributed one is with this probability. */
  private static double quantile(double probability) {
    double low = -8;
    double high = 8;
    while (high - low > 1e-9) {
      double middle = (low + high) / 2;
      if (probabilityBelow(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Simpson's rule from the mean on. */
  private static double probabilityBelow(double z) {
    int steps = 400;
    IntToDoubleFunction density = i -> Math.exp(-0.5 * (z * i / steps) * (z * i / steps));
    double sum = density.applyAsDouble(0) + density.applyAsDouble(steps);
    for (int i = 1; i < steps; i++) {
      sum += density.applyAsDouble(i) * (i % 2 == 0 ? 2 : 4);
    }
    return 0.5 + sum * z / steps / 3 / Math.sqrt(2 * Math.PI);
  }

  private void putOuterTensors() {
    int dim = shape.dim();
    RowSource spread = sheet.normal("token_embd.weight", 1);
    float constant = (float) Math.sqrt(dim);
    sheet.matrix("token_embd.weight", shape.vocabulary(), dim, withFirst(spread, constant));
    sheet.norm("output_norm");
    sheet.matrix("output.weight", shape.vocabulary(), dim);
  }

  private void putLayer(String prefix) {
    int dim = shape.dim();
    int neurons = shape.neurons();
    int kvDim = shape.kvHeads() * shape.headDim();
    sheet.norm(prefix + "attn_norm");
    sheet.matrix(prefix + "attn_q.weight", dim, dim);
    sheet.matrix(prefix + "attn_k.weight", kvDim, dim);
    sheet.matrix(prefix + "attn_v.weight", kvDim, dim);
    String output = prefix + "attn_output.weight";
    RowSource little = sheet.normal(output, SMALL);
    sheet.matrix(output, dim, dim, withoutRow0(little));
    sheet.norm(prefix + "ffn_norm");
    String gate = prefix + "ffn_gate.weight";
    double deviation = 1 / Math.sqrt(dim);
    // What the constant adds to a gate is three standard deviations of what all others add.
    float lift = (float) (3 * deviation);
    sheet.matrix(gate, neurons, dim, withFirst(sheet.normal(gate, deviation), lift));
    sheet.matrix(prefix + "ffn_up.weight", neurons, dim);
    String down = prefix + "ffn_down_t.weight";
    sheet.matrix(down, neurons, dim, withFirst(sheet.normal(down, SMALL), 0));
    putPredictor(prefix + "fc1.weight", prefix + "fc2.weight");
  }

  private void putPredictor(String first, String second) {
    int rank = rank(shape);
    double deviation = 1 / Math.sqrt(shape.dim());
    sheet.matrix(first, rank, shape.dim(), withFirst(sheet.normal(first, deviation), 0));
    sheet.matrix(second, shape.neurons(), rank, sheet.normal(second, Math.sqrt(2.0 / rank)));
  }

  private static RowSource withFirst(RowSource rows, float value) {
    return (row, values) -> {
      rows.read(row, values);
      values[0] = value;
    };
  }

  private static RowSource withoutRow0(RowSource rows) {
    return (row, values) -> {
      rows.read(row, values);
      if (row == 0) {
        Arrays.fill(values, 0);
      }
    };
  }
}
