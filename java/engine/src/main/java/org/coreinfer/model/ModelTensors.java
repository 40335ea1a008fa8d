package org.coreinfer.model;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.coreinfer.backend.Backend;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.WeightFile;
import org.jspecify.annotations.Nullable;

/**
 * A model file's tensors under GGUF's names, whatever the file calls them, with their shapes
 * checked. Vectors become F32; what that needs is collected in {@link #memory}.
 */
public final class ModelTensors {
  private static final Pattern WITHOUT_EFFECT =
      Pattern.compile(
          ".*rotary_emb\\.inv_freq|rope_freqs\\.weight|.*attn\\.(masked_)?bias"
              + "|lm_head\\.weight|output\\.weight|blk\\.\\d+\\.fc[12]\\.weight");

  private final WeightFile file;
  private final UnaryOperator<String> fileName;
  private final Backend backend;
  private final Resources memory = new Resources();
  private final Map<String, Tensor> placed = new HashMap<>();
  private final Set<String> used = new HashSet<>();

  /**
   * @param fileName turns GGUF's name of a tensor into the file's
   */
  public ModelTensors(WeightFile file, UnaryOperator<String> fileName, Backend backend) {
    this.file = file;
    this.fileName = fileName;
    this.backend = backend;
  }

  /** Memory that was allocated so far; the caller owns it. */
  Resources memory() {
    return memory;
  }

  Backend backend() {
    return backend;
  }

  public boolean has(String name) {
    return file.find(fileName.apply(name)).isPresent();
  }

  /** The matrix called {@code name}, which must be (rows, columns), where kernels read it. */
  Tensor matrix(String name, int rows, int columns) {
    Tensor source = checked(file.tensor(use(name)), rows, columns);
    return placed.computeIfAbsent(source.name(), key -> place(source));
  }

  Optional<Tensor> findMatrix(String name, int rows, int columns) {
    return has(name) ? Optional.of(matrix(name, rows, columns)) : Optional.empty();
  }

  private Tensor place(Tensor source) {
    Tensor tensor = backend.place(source);
    if (tensor.memory() != source.memory()) {
      memory.own(tensor.memory());
    }
    return tensor;
  }

  private String use(String name) {
    String inFile = fileName.apply(name);
    used.add(inFile);
    return inFile;
  }

  /**
   * Refuses tensors that nothing asked for, as they would change the result: experts, unknown
   * biases. Known to be without effect are stored rotary frequencies, old attention masks, the
   * heads of tied models and PowerInfer's predictors.
   */
  void refuseUnknown() {
    Set<String> stored = new TreeSet<>(file.tensors().keySet());
    stored.addAll(file.unsupported().keySet());
    for (String name : stored) {
      if (!used.contains(name) && !WITHOUT_EFFECT.matcher(name).matches()) {
        throw new ModelFormatException(
            file.name() + ": " + name + ": no supported model has this tensor");
      }
    }
  }

  private Tensor checked(Tensor tensor, int rows, int columns) {
    if (tensor.rows() != rows || tensor.columns() != columns) {
      throw new ModelFormatException(
          "%s: %s: the shape is (%d, %d), expected (%d, %d)"
              .formatted(
                  file.name(), tensor.name(), tensor.rows(), tensor.columns(), rows, columns));
    }
    return tensor;
  }

  /** A vector as F32. */
  NativeMemory vector(String name, int count) {
    Tensor vector = checked(file.tensor(use(name)), 1, count);
    NativeMemory stored = vector.memory();
    if (backend.isHost() && vector.dtype() == DType.F32 && stored.address() % Float.BYTES == 0) {
      return stored;
    }
    float[] values = new float[count];
    RowSource.of(vector).read(0, values);
    NativeMemory floats = memory.own(backend.allocateFloats(vector.name(), count));
    backend.upload(values, floats);
    return floats;
  }

  /** A vector as F32, or null where the file has none. */
  @Nullable NativeMemory vectorOrNull(String name, int count) {
    return has(name) ? vector(name, count) : null;
  }

  /** A projection with its bias, if the file has one. */
  Linear linear(String name, int outputs, int inputs) {
    return new Linear(
        matrix(name + ".weight", outputs, inputs), vectorOrNull(name + ".bias", outputs));
  }

  /**
   * A matrix of an FFN.
   *
   * @param isStreamed whether it stays in host memory
   */
  Tensor ffnMatrix(String name, int neurons, int dim, boolean isStreamed) {
    if (!isStreamed) {
      return matrix(name, neurons, dim);
    }
    Tensor source = checked(file.tensor(use(name)), neurons, dim);
    return owned(backend.device().placeForStreaming(source));
  }

  /** A down projection, one neuron a row: as stored by PowerInfer, or transposed now. */
  Tensor down(String prefix, int dim, int neurons, boolean isStreamed) {
    String stored = prefix + "ffn_down_t.weight";
    if (has(stored)) {
      return ffnMatrix(stored, neurons, dim, isStreamed);
    }
    Tensor source = checked(file.tensor(use(prefix + "ffn_down.weight")), dim, neurons);
    return owned(
        isStreamed ? backend.device().placeDownForStreaming(source) : backend.placeDown(source));
  }

  private Tensor owned(Tensor tensor) {
    memory.own(tensor.memory());
    return tensor;
  }
}
