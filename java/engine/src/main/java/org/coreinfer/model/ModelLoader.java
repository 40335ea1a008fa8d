package org.coreinfer.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleConsumer;
import java.util.function.IntPredicate;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.model.Family.Architecture;
import org.coreinfer.model.Family.NormKind;
import org.coreinfer.model.Family.Positions;
import org.coreinfer.model.Family.Positions.LearnedPositions;
import org.coreinfer.model.Family.Positions.RotaryPositions;
import org.coreinfer.model.ModelSizes.FfnSizes;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.WeightFile;
import org.jspecify.annotations.Nullable;

/**
 * Builds a {@link Decoder} from a model file. Matrices stay where the file is mapped; only down
 * projections are copied, one neuron a row.
 */
public final class ModelLoader {
  private final WeightFile file;
  private final Family family;
  private final ModelConfig config;
  private final Architecture architecture;

  /**
   * Reads the sizes; no weight is touched yet.
   *
   * @throws ModelFormatException if the family, a key or a value is not supported
   */
  public ModelLoader(WeightFile file, Family family) {
    this.file = file;
    this.family = family;
    try {
      this.config = family.config(file);
      this.architecture = family.architecture(file, config);
    } catch (ModelFormatException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith(file.name())
          ? e
          : new ModelFormatException(file.name() + ": " + message, e);
    }
  }

  public ModelConfig config() {
    return config;
  }

  /** The bytes that loading allocates beside the mapped file. */
  public long copiedBytes() {
    long bytes = 0;
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = family.tensorName(file, "blk." + layer + ".ffn_down.weight");
      bytes += file.find(name).map(Tensor::bytes).orElse(0L);
    }
    return bytes;
  }

  /** The weights' sizes; none is read. */
  public ModelSizes sizes() {
    long fixed = 0;
    long tokenBytes = 0;
    List<FfnSizes> ffn = new ArrayList<>();
    for (String name : List.of("token_embd", "position_embd", "output_norm")) {
      fixed += bytes(name);
    }
    long head = bytes("output");
    for (int layer = 0; layer < config.layers(); layer++) {
      String prefix = "blk." + layer + ".";
      for (String name : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
        tokenBytes += tensorBytes(prefix + name + ".weight");
        fixed += tensorBytes(prefix + name + ".bias");
      }
      for (String name : List.of("attn_norm", "ffn_norm", "attn_q_norm", "attn_k_norm")) {
        fixed += bytes(prefix + name);
      }
      for (String name : List.of("ffn_gate.bias", "ffn_up.bias", "ffn_down.bias")) {
        fixed += tensorBytes(prefix + name);
      }
      ffn.add(ffnSizes(prefix));
    }
    long read = tokenBytes + (head > 0 ? head : bytes("token_embd"));
    int pairs = architecture.positions() instanceof RotaryPositions r ? r.pairs() : 0;
    return new ModelSizes(file.name(), config, fixed + tokenBytes + head, pairs, read, ffn);
  }

  private FfnSizes ffnSizes(String prefix) {
    Optional<Tensor> stored = find(prefix + "ffn_down_t.weight");
    Tensor down = stored.orElseGet(() -> required(prefix + "ffn_down.weight"));
    return FfnSizes.of(
        config.isGated() ? required(prefix + "ffn_gate.weight") : null,
        required(prefix + "ffn_up.weight"),
        down,
        stored.isPresent() ? down.dtype() : down.dtype().transposed());
  }

  private Tensor required(String name) {
    return file.tensor(family.tensorName(file, name));
  }

  private Optional<Tensor> find(String name) {
    return file.find(family.tensorName(file, name));
  }

  /** A matrix or vector with its bias, if the file has them. */
  private long bytes(String name) {
    return tensorBytes(name + ".weight") + tensorBytes(name + ".bias");
  }

  /** As much as it takes when it is loaded: vectors become F32. */
  private long tensorBytes(String name) {
    return find(name)
        .map(tensor -> tensor.isVector() ? tensor.elements() * Float.BYTES : tensor.bytes())
        .orElse(0L);
  }

  /**
   * Loads the weights.
   *
   * @param maxPositions the longest sequence that will be decoded
   * @param progress receives the fraction done, from 0 to 1
   */
  public Decoder load(Backend backend, int maxPositions, DoubleConsumer progress) {
    return load(backend, maxPositions, layer -> false, progress);
  }

  /**
   * Loads the weights.
   *
   * @param isStreamed whether a layer's FFN stays in host memory, for lack of the device's
   */
  public Decoder load(
      Backend backend, int maxPositions, IntPredicate isStreamed, DoubleConsumer progress) {
    ModelTensors tensors = new ModelTensors(file, name -> family.tensorName(file, name), backend);
    try {
      Decoder.Parts parts = parts(tensors, backend, maxPositions, isStreamed, progress);
      backend.endPlacing();
      return new Decoder(backend, config, parts);
    } catch (RuntimeException e) {
      tensors.memory().close();
      throw e;
    }
  }

  private Decoder.Parts parts(
      ModelTensors tensors,
      Backend backend,
      int maxPositions,
      IntPredicate isStreamed,
      DoubleConsumer progress) {
    int dim = config.dim();
    int positions = Math.min(maxPositions, config.contextLength());
    Tensor embedding = embedding(tensors);
    Tensor head = tensors.findMatrix("output.weight", config.vocabulary(), dim).orElse(embedding);

    Rotary rotary = null;
    Tensor learned = null;
    int offset = 0;
    Positions kind = architecture.positions();
    if (kind instanceof RotaryPositions r) {
      rotary = Rotary.create(backend, r.scaling(), r.base(), r.pairs(), r.adjacent(), positions);
      tensors.memory().own(rotary.table());
    } else if (kind instanceof LearnedPositions l) {
      offset = l.offset();
      learned = tensors.matrix("position_embd.weight", config.contextLength() + offset, dim);
    }

    List<Block> blocks = new ArrayList<>();
    List<FfnWeights> ffns = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      String prefix = "blk." + layer + ".";
      blocks.add(block(tensors, prefix));
      ffns.add(ffn(tensors, prefix, isStreamed.test(layer)));
      progress.accept((layer + 1.0) / config.layers());
    }
    Norm finalNorm = norm(tensors, "output_norm", dim);
    tensors.refuseUnknown();
    FfnLayers layers = new FfnLayers(backend, ffns, isStreamed);
    tensors.memory().onClose(layers::close);
    return new Decoder.Parts(
        embedding,
        learned,
        offset,
        rotary,
        blocks,
        layers,
        finalNorm,
        new Linear(head, null),
        (float) (1 / Math.sqrt(config.headDim())),
        positions,
        tensors.memory());
  }

  /** Some files of tied models hold only the head. */
  private Tensor embedding(ModelTensors tensors) {
    String name = tensors.has("token_embd.weight") ? "token_embd.weight" : "output.weight";
    return tensors.matrix(name, config.vocabulary(), config.dim());
  }

  private Block block(ModelTensors tensors, String prefix) {
    int dim = config.dim();
    return new Block(
        norm(tensors, prefix + "attn_norm", dim),
        tensors.linear(prefix + "attn_q", config.queryDim(), dim),
        tensors.linear(prefix + "attn_k", config.kvDim(), dim),
        tensors.linear(prefix + "attn_v", config.kvDim(), dim),
        tensors.linear(prefix + "attn_output", dim, config.queryDim()),
        headNorm(tensors, prefix + "attn_q_norm"),
        headNorm(tensors, prefix + "attn_k_norm"),
        norm(tensors, prefix + "ffn_norm", dim));
  }

  private FfnWeights ffn(ModelTensors tensors, String prefix, boolean isStreamed) {
    int dim = config.dim();
    int neurons = config.neurons();
    Tensor gate =
        config.isGated()
            ? tensors.ffnMatrix(prefix + "ffn_gate.weight", neurons, dim, isStreamed)
            : null;
    return new FfnWeights(
        config.activation(),
        gate,
        tensors.ffnMatrix(prefix + "ffn_up.weight", neurons, dim, isStreamed),
        tensors.down(prefix, dim, neurons, isStreamed),
        config.isGated() ? tensors.vectorOrNull(prefix + "ffn_gate.bias", neurons) : null,
        tensors.vectorOrNull(prefix + "ffn_up.bias", neurons),
        tensors.vectorOrNull(prefix + "ffn_down.bias", dim));
  }

  private Norm norm(ModelTensors tensors, String name, int dim) {
    NativeMemory weight = tensors.vector(name + ".weight", dim);
    return architecture.norm() == NormKind.RMS
        ? new Norm.Rms(weight, dim, architecture.epsilon())
        : new Norm.Layer(weight, tensors.vector(name + ".bias", dim), dim, architecture.epsilon());
  }

  private @Nullable Norm headNorm(ModelTensors tensors, String name) {
    NativeMemory weight = tensors.vectorOrNull(name + ".weight", config.headDim());
    return weight == null ? null : new Norm.Rms(weight, config.headDim(), architecture.epsilon());
  }

  /** The dtype of the FFN's rows, which are most of the bytes that decoding reads. */
  public DType ffnDtype() {
    return required("blk.0.ffn_up.weight").dtype();
  }
}
