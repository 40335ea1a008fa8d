package org.coreinfer.model;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.coreinfer.backend.Backend;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
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
  private final List<NativeMemory> memory = new ArrayList<>();
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
  List<NativeMemory> memory() {
    return memory;
  }

  Backend backend() {
    return backend;
  }

  NativeMemory own(NativeMemory owned) {
    memory.add(owned);
    return owned;
  }

  public boolean has(String name) {
    return file.find(fileName.apply(name)).isPresent();
  }

  /** The matrix called {@code name}, which must be (rows, columns). */
  public Tensor matrix(String name, int rows, int columns) {
    return checked(file.tensor(use(name)), rows, columns);
  }

  public Optional<Tensor> findMatrix(String name, int rows, int columns) {
    return file.find(use(name)).map(tensor -> checked(tensor, rows, columns));
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
  public NativeMemory vector(String name, int count) {
    return toFloats(matrix(name, 1, count));
  }

  /** A vector as F32, or null where the file has none. */
  public @Nullable NativeMemory vectorOrNull(String name, int count) {
    return has(name) ? vector(name, count) : null;
  }

  private NativeMemory toFloats(Tensor vector) {
    if (vector.dtype() == DType.F32 && vector.memory().address() % Float.BYTES == 0) {
      return vector.memory();
    }
    NativeMemory floats = own(backend.allocateFloats(vector.name(), vector.columns()));
    try (NativeMemory row = backend.allocate(vector.name(), Integer.BYTES)) {
      Tensor table =
          new Tensor(vector.name(), vector.dtype(), 1, vector.columns(), vector.memory());
      backend.embed(table, row, 1, floats); // row 0 of a table of one row
    }
    return floats;
  }

  /** A projection with its bias, if the file has one. */
  Linear linear(String name, int outputs, int inputs) {
    return new Linear(
        matrix(name + ".weight", outputs, inputs), vectorOrNull(name + ".bias", outputs));
  }

  /** A down projection, one neuron a row: as stored by PowerInfer, or transposed now. */
  Tensor down(String prefix, int dim, int neurons) {
    Optional<Tensor> stored = findMatrix(prefix + "ffn_down_t.weight", neurons, dim);
    if (stored.isPresent()) {
      return stored.get();
    }
    Tensor source = matrix(prefix + "ffn_down.weight", dim, neurons);
    Tensor transposed = backend.transposeDown(source);
    own(transposed.memory());
    return transposed;
  }
}
