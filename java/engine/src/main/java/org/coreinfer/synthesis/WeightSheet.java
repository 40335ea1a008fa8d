package org.coreinfer.synthesis;

import java.nio.file.Path;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.weights.GgufQuantization;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Quantization;

/**
 * What every synthetic model file holds: its sizes in metadata, and tensors whose rows are random
 * numbers of their own seed, so that any thread may make any row.
 */
final class WeightSheet {
  private static final float EPSILON = 1e-5f;

  private final ModelShape shape;
  private final Quantization quantization;
  private final long seed;
  private final boolean isTied;
  private final GgufWriter writer;

  WeightSheet(ModelShape shape, Quantization quantization, long seed, GgufWriter writer) {
    this.shape = shape;
    this.quantization = quantization;
    this.seed = seed;
    this.isTied = shape.kind() == ModelShape.Kind.OPT;
    this.writer = writer;
    putSizes();
  }

  /** Whether the embedding is the head, too. */
  boolean isTied() {
    return isTied;
  }

  private void putSizes() {
    String prefix = shape.architecture() + ".";
    writer.string("general.architecture", shape.architecture());
    writer.string("general.name", shape.name());
    writer.integer("general.file_type", quantization.fileType());
    writer.integer("general.quantization_version", GgufQuantization.QUANTIZATION_VERSION);
    writer.integer(prefix + "context_length", shape.context());
    writer.integer(prefix + "embedding_length", shape.dim());
    writer.integer(prefix + "block_count", shape.layers());
    writer.integer(prefix + "feed_forward_length", shape.neurons());
    writer.integer(prefix + "attention.head_count", shape.heads());
    writer.integer(prefix + "attention.head_count_kv", shape.kvHeads());
    if (shape.kind() == ModelShape.Kind.OPT) {
      writer.number(prefix + "attention.layer_norm_epsilon", EPSILON);
    } else {
      writer.number(prefix + "attention.layer_norm_rms_epsilon", EPSILON);
      writer.integer(prefix + "rope.dimension_count", shape.headDim());
      writer.number(
          prefix + "rope.freq_base", shape.kind() == ModelShape.Kind.LLAMA_3 ? 500_000 : 10_000);
    }
  }

  /** A norm's weights, around 1, and its biases, around 0, if the kind has any. */
  void norm(String name) {
    vector(name + ".weight", 1, shape.dim());
    if (shape.kind() == ModelShape.Kind.OPT) {
      vector(name + ".bias", 0, shape.dim());
    }
  }

  /** A projection that keeps the size of what it is given, and its biases if the kind has any. */
  void linear(String name, int outputs, int inputs) {
    matrix(name + ".weight", outputs, inputs);
    if (shape.kind() == ModelShape.Kind.OPT) {
      vector(name + ".bias", 0, outputs);
    }
  }

  void matrix(String name, int rows, int columns) {
    matrix(name, rows, columns, normal(name, 1 / Math.sqrt(columns)));
  }

  void matrix(String name, int rows, int columns, RowSource source) {
    DType dtype = quantization.dtypeOf(name, rows, columns, shape.layers(), isTied);
    writer.tensor(name, dtype, rows, columns, source);
  }

  private void vector(String name, double mean, int count) {
    writer.tensor(
        name,
        DType.F32,
        1,
        count,
        (row, values) -> RandomNumbers.ofRow(seed, name, row).fill(mean, 0.1, values));
  }

  /** Rows of this standard deviation around 0. */
  RowSource normal(String name, double deviation) {
    return (row, values) -> RandomNumbers.ofRow(seed, name, row).fill(0, deviation, values);
  }

  void write(Path file, GgufWriter.Progress progress) {
    writer.write(file, progress);
  }
}
