package org.coreinfer.model.family;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.model.Family;
import org.coreinfer.model.Family.Architecture;
import org.coreinfer.model.Family.Positions;
import org.coreinfer.model.Family.Positions.LearnedPositions;
import org.coreinfer.model.Family.Positions.RotaryPositions;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.RopeScaling;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.text.ChatTemplateTexts;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.text.Tokenizers;
import org.coreinfer.weights.GgufQuantization;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Quantization;

/**
 * Writes a Hugging Face folder as one GGUF file. The tokenizer goes in as {@code
 * tokenizer.huggingface.json}, GGUF's key for the whole of it, so it stays exact; llama.cpp, which
 * wants its own form, does not read it.
 */
public final class GgufConversion {
  private static final List<String> BLOCK_PARTS =
      List.of(
          "attn_norm.weight", "attn_norm.bias",
          "attn_q.weight", "attn_q.bias",
          "attn_k.weight", "attn_k.bias",
          "attn_v.weight", "attn_v.bias",
          "attn_output.weight", "attn_output.bias",
          "attn_q_norm.weight", "attn_k_norm.weight",
          "ffn_norm.weight", "ffn_norm.bias",
          "ffn_gate.weight", "ffn_gate.bias",
          "ffn_up.weight", "ffn_up.bias",
          "ffn_down.weight", "ffn_down.bias");

  private final HuggingFaceFolder folder;
  private final Family family;
  private final ModelConfig config;
  private final Quantization quantization;
  private final GgufWriter writer = new GgufWriter();

  public GgufConversion(HuggingFaceFolder folder, Quantization quantization) {
    this.folder = folder;
    this.family = Families.of(folder);
    this.config = family.config(folder);
    this.quantization = quantization;
  }

  /** Writes the file; a failure leaves none. */
  public void write(Path file, GgufWriter.Progress progress) {
    putSizes();
    putTokenizer();
    putTensor(
        "token_embd.weight", stores("token_embd.weight") ? "token_embd.weight" : "output.weight");
    putTensor("position_embd.weight");
    putTensor("output_norm.weight");
    putTensor("output_norm.bias");
    if (stores("token_embd.weight")) {
      putTensor("output.weight");
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String part : BLOCK_PARTS) {
        putTensor("blk." + layer + "." + part);
      }
    }
    writer.write(file, progress);
  }

  private String architecture() {
    return switch (config.architecture()) {
      case "mistral", "bamboo" -> "llama";
      default -> config.architecture();
    };
  }

  private void putSizes() {
    Architecture architecture = family.architecture(folder, config);
    String prefix = architecture() + ".";
    writer.string("general.architecture", architecture());
    writer.string("general.name", folder.name());
    if (!quantization.dtype().isPlain()) {
      writer.integer("general.file_type", quantization.fileType());
      writer.integer("general.quantization_version", GgufQuantization.QUANTIZATION_VERSION);
    }
    writer.integer(prefix + "context_length", config.contextLength());
    writer.integer(prefix + "embedding_length", config.dim());
    writer.integer(prefix + "block_count", config.layers());
    writer.integer(prefix + "feed_forward_length", config.neurons());
    writer.integer(prefix + "attention.head_count", config.heads());
    writer.integer(prefix + "attention.head_count_kv", config.kvHeads());
    writer.integer(prefix + "attention.key_length", config.headDim());
    writer.integer(prefix + "attention.value_length", config.headDim());
    if (config.window() > 0) {
      writer.integer(prefix + "attention.sliding_window", config.window());
    }
    String epsilon =
        architecture.norm() == Family.NormKind.RMS
            ? "layer_norm_rms_epsilon"
            : "layer_norm_epsilon";
    writer.number(prefix + "attention." + epsilon, architecture.epsilon());
    writer.string(GgufKeys.ACTIVATION, config.activation().name().toLowerCase(Locale.ROOT));
    putPositions(prefix, architecture.positions());
  }

  private void putPositions(String prefix, Positions positions) {
    if (positions instanceof LearnedPositions) {
      return;
    }
    RotaryPositions rotary = (RotaryPositions) positions;
    writer.integer(prefix + "rope.dimension_count", 2 * rotary.pairs());
    writer.number(prefix + "rope.freq_base", (float) rotary.base());
    RopeScaling scaling = rotary.scaling();
    if (scaling instanceof RopeScaling.Yarn yarn) {
      writer.string(prefix + "rope.scaling.type", "yarn");
      writer.number(prefix + "rope.scaling.factor", (float) yarn.factor());
      writer.number(
          prefix + "rope.scaling.attn_factor",
          (float) (yarn.magnitude() / RopeScaling.Yarn.magnitudeOf(yarn.factor())));
      writer.number(prefix + "rope.scaling.yarn_beta_fast", (float) yarn.betaFast());
      writer.number(prefix + "rope.scaling.yarn_beta_slow", (float) yarn.betaSlow());
      writer.integer(prefix + "rope.scaling.original_context_length", (int) yarn.originalContext());
    } else if (scaling instanceof RopeScaling.LinearScaling linear) {
      writer.string(prefix + "rope.scaling.type", "linear");
      writer.number(prefix + "rope.scaling.factor", (float) linear.factor());
    } else if (scaling instanceof RopeScaling.Llama3 llama3) {
      RopeScaling plain = new RopeScaling.None();
      writer.tensor(
          "rope_freqs.weight",
          DType.F32,
          1,
          rotary.pairs(),
          (row, values) -> {
            for (int i = 0; i < values.length; i++) {
              values[i] =
                  (float)
                      (plain.frequency(i, values.length, rotary.base())
                          / llama3.frequency(i, values.length, rotary.base()));
            }
          });
    }
  }

  private void putTokenizer() {
    Path tokenizer = folder.path().resolve("tokenizer.json");
    try {
      writer.string(Tokenizers.HUGGING_FACE_KEY, Files.readString(tokenizer));
    } catch (IOException e) {
      throw new CoreInferException(
          tokenizer + ": cannot be read, and only folders with a tokenizer.json are converted", e);
    }
    Tokenizer roles = Tokenizers.fromHuggingFace(folder.path());
    ChatTemplateTexts.of(folder)
        .templates()
        .forEach(
            (name, template) ->
                writer.string(
                    name.equals(ChatTemplateTexts.DEFAULT)
                        ? ChatTemplateTexts.GGUF_TEMPLATE
                        : ChatTemplateTexts.GGUF_TEMPLATE + "." + name,
                    template));
    roles.bosToken().ifPresent(id -> writer.integer("tokenizer.ggml.bos_token_id", id));
    roles.eosToken().ifPresent(id -> writer.integer("tokenizer.ggml.eos_token_id", id));
    writer.flag("tokenizer.ggml.add_bos_token", roles.addsBos());
  }

  private boolean stores(String name) {
    return folder.find(family.tensorName(folder, name)).isPresent();
  }

  private void putTensor(String name) {
    if (stores(name)) {
      putTensor(name, name);
    }
  }

  private void putTensor(String name, String stored) {
    Tensor tensor = folder.tensor(family.tensorName(folder, stored));
    boolean isTied = !stores("output.weight") || !stores("token_embd.weight");
    DType dtype =
        quantization.dtypeOf(name, tensor.rows(), tensor.columns(), config.layers(), isTied);
    RowSource rows = RowSource.of(tensor);
    boolean isTurned =
        architecture().equals("llama") && name.matches("blk\\.\\d+\\.attn_[qk]\\..*");
    if (isTurned && tensor.isVector()) {
      rows = turnedVector(rows);
    } else if (isTurned) {
      RowSource halves = rows;
      rows = (row, values) -> halves.read(halfRow(row), values);
    }
    writer.tensor(name, dtype, tensor.rows(), tensor.columns(), rows);
  }

  /**
   * Where Hugging Face keeps what GGUF's llama has at {@code row}: pairs are halves of a head
   * there, neighbours here.
   */
  private int halfRow(int row) {
    int inHead = row % config.headDim();
    return row - inHead + inHead % 2 * (config.headDim() / 2) + inHead / 2;
  }

  private RowSource turnedVector(RowSource vector) {
    return (row, values) -> {
      float[] halves = new float[values.length];
      vector.read(row, halves);
      for (int i = 0; i < values.length; i++) {
        values[i] = halves[halfRow(i)];
      }
    };
  }
}
