package org.coreinfer.synthesis;

import java.nio.file.Path;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Quantization;

/**
 * Writes a model with random weights as a GGUF file, row by row. Llama shapes are files that
 * llama.cpp loads, too. Matrices keep the size of what they are given, so that activations vary and
 * logits are finite. The same shape, dtype and seed always give the same bytes.
 */
public final class SyntheticModel {
  private static final int POSITION_OFFSET = 2; // OPT's first row of learned positions

  private final ModelShape shape;
  private final WeightSheet sheet;

  private SyntheticModel(ModelShape shape, Quantization quantization, long seed) {
    this.shape = shape;
    GgufWriter writer = new GgufWriter();
    this.sheet = new WeightSheet(shape, quantization, seed, writer);
    switch (shape.kind()) {
      case LLAMA_2 -> SyntheticVocabulary.putSentencePiece(writer, shape.vocabulary());
      case LLAMA_3 -> SyntheticVocabulary.putByteLevel(writer, shape.vocabulary(), "llama-bpe");
      case OPT -> SyntheticVocabulary.putByteLevel(writer, shape.vocabulary(), "gpt-2");
    }
  }

  /** Writes the file; a failure leaves none. */
  public static void write(
      ModelShape shape,
      Quantization quantization,
      long seed,
      Path file,
      GgufWriter.Progress progress) {
    SyntheticModel model = new SyntheticModel(shape, quantization, seed);
    model.putOuterTensors();
    for (int layer = 0; layer < shape.layers(); layer++) {
      model.putLayer("blk." + layer + ".");
    }
    model.sheet.write(file, progress);
  }

  private void putOuterTensors() {
    sheet.matrix("token_embd.weight", shape.vocabulary(), shape.dim());
    sheet.norm("output_norm");
    if (shape.kind() == ModelShape.Kind.OPT) {
      sheet.matrix("position_embd.weight", shape.context() + POSITION_OFFSET, shape.dim());
    }
    if (!sheet.isTied()) {
      sheet.matrix("output.weight", shape.vocabulary(), shape.dim());
    }
  }

  private void putLayer(String prefix) {
    int dim = shape.dim();
    int kvDim = shape.kvHeads() * shape.headDim();
    sheet.norm(prefix + "attn_norm");
    sheet.linear(prefix + "attn_q", dim, dim);
    sheet.linear(prefix + "attn_k", kvDim, dim);
    sheet.linear(prefix + "attn_v", kvDim, dim);
    sheet.linear(prefix + "attn_output", dim, dim);
    sheet.norm(prefix + "ffn_norm");
    if (shape.isGated()) {
      sheet.linear(prefix + "ffn_gate", shape.neurons(), dim);
    }
    sheet.linear(prefix + "ffn_up", shape.neurons(), dim);
    sheet.linear(prefix + "ffn_down", dim, shape.neurons());
  }
}
