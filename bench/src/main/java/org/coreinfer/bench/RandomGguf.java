package org.coreinfer.bench;

import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.coreinfer.tensor.DType;
import org.coreinfer.text.Tokenizers;
import org.coreinfer.weights.GgufWriter;

/**
 * Writes a model of a shape with random weights, row by row, as a GGUF file. Its tokenizer knows
 * the letters a to z: token ids are given to it.
 */
final class RandomGguf {
  /** The most tokens that it can take. */
  static final int CONTEXT = 8192;

  private static final int POSITION_OFFSET = 2; // OPT's first row of learned positions

  private final Shape shape;
  private final DType dtype;
  private final GgufWriter writer = new GgufWriter();
  private final RandomFloats random = new RandomFloats();

  private RandomGguf(Shape shape, DType dtype) {
    this.shape = shape;
    this.dtype = dtype;
  }

  /** Writes the file; a failure leaves none. */
  static void write(Shape shape, DType dtype, Path file, GgufWriter.Progress progress) {
    RandomGguf model = new RandomGguf(shape, dtype);
    model.putSizes();
    model.putTokenizer();
    model.putOuterTensors();
    for (int layer = 0; layer < shape.layers(); layer++) {
      model.putLayer("blk." + layer + ".");
    }
    model.writer.write(file, progress);
  }

  private boolean isOpt() {
    return shape.architecture().equals("opt");
  }

  private void putSizes() {
    String prefix = shape.architecture() + ".";
    writer.string("general.architecture", shape.architecture());
    writer.string("general.name", shape.name());
    writer.integer(prefix + "context_length", CONTEXT);
    writer.integer(prefix + "embedding_length", shape.dim());
    writer.integer(prefix + "block_count", shape.layers());
    writer.integer(prefix + "feed_forward_length", shape.neurons());
    writer.integer(prefix + "attention.head_count", shape.heads());
    writer.integer(prefix + "attention.head_count_kv", shape.kvHeads());
    if (isOpt()) {
      writer.number(prefix + "attention.layer_norm_epsilon", 1e-5f);
    } else {
      writer.number(prefix + "attention.layer_norm_rms_epsilon", 1e-5f);
      writer.integer(prefix + "rope.dimension_count", shape.headDim());
      writer.number(prefix + "rope.freq_base", 10000);
    }
  }

  private void putTokenizer() {
    String letters =
        IntStream.range(0, 26)
            .mapToObj(i -> "\"%c\":%d".formatted('a' + i, i))
            .collect(Collectors.joining(",", "{", "}"));
    writer.string(
        Tokenizers.HUGGING_FACE_KEY,
        """
        {"model": {"type": "BPE", "vocab": %s, "merges": []},
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
         "decoder": {"type": "ByteLevel"}}
        """
            .formatted(letters));
    writer.integer("tokenizer.ggml.eos_token_id", 2);
  }

  private void putOuterTensors() {
    matrix("token_embd.weight", shape.vocabulary(), shape.dim());
    norm("output_norm");
    if (isOpt()) {
      matrix("position_embd.weight", CONTEXT + POSITION_OFFSET, shape.dim());
    } else {
      matrix("output.weight", shape.vocabulary(), shape.dim());
    }
  }

  private void putLayer(String prefix) {
    int dim = shape.dim();
    int kvDim = shape.kvHeads() * shape.headDim();
    norm(prefix + "attn_norm");
    linear(prefix + "attn_q", dim, dim);
    linear(prefix + "attn_k", kvDim, dim);
    linear(prefix + "attn_v", kvDim, dim);
    linear(prefix + "attn_output", dim, dim);
    norm(prefix + "ffn_norm");
    if (shape.isGated()) {
      linear(prefix + "ffn_gate", shape.neurons(), dim);
    }
    linear(prefix + "ffn_up", shape.neurons(), dim);
    linear(prefix + "ffn_down", dim, shape.neurons());
  }

  private void norm(String name) {
    vector(name + ".weight", 1, shape.dim());
    if (isOpt()) {
      vector(name + ".bias", 0, shape.dim());
    }
  }

  private void linear(String name, int outputs, int inputs) {
    matrix(name + ".weight", outputs, inputs);
    if (isOpt()) {
      vector(name + ".bias", 0, outputs);
    }
  }

  private void vector(String name, double mean, int count) {
    writer.tensor(name, DType.F32, 1, count, (row, values) -> random.fill(mean, 0.1, values));
  }

  private void matrix(String name, int rows, int columns) {
    double deviation = 1 / Math.sqrt(columns);
    writer.tensor(name, dtype, rows, columns, (row, values) -> random.fill(0, deviation, values));
  }
}
