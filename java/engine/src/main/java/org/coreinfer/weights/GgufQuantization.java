package org.coreinfer.weights;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;

/**
 * Writes a GGUF file anew with its tensors in other dtypes. Metadata is kept as it is, and so are
 * the bytes of tensors that have their dtype already.
 */
public final class GgufQuantization {
  private static final Set<String> WRITTEN_ANEW =
      Set.of("general.file_type", "general.quantization_version", "general.alignment");

  /** The value of GGUF's key {@code general.quantization_version}: of ggml's block layouts. */
  public static final int QUANTIZATION_VERSION = 2;

  private static final Pattern BLOCK = Pattern.compile("blk\\.\\d+\\..*");

  private final GgufFile source;
  private final Quantization quantization;
  private final Map<String, DType> dtypes;

  /**
   * Decides on every tensor's dtype; nothing is read yet.
   *
   * @throws ModelFormatException if the file holds a tensor that can't be read
   */
  public GgufQuantization(GgufFile source, Quantization quantization) {
    this.source = source;
    this.quantization = quantization;
    source
        .unsupported()
        .forEach(
            (name, why) -> {
              throw new ModelFormatException(source.name() + ": " + name + ": " + why);
            });
    this.dtypes = decide(source, quantization);
  }

  private static Map<String, DType> decide(GgufFile source, Quantization quantization) {
    int layers =
        (int)
            source.tensors().keySet().stream()
                .filter(name -> BLOCK.matcher(name).matches())
                .map(name -> name.split("\\.", -1)[1])
                .distinct()
                .count();
    boolean isTied = source.find("output.weight").isEmpty();
    Map<String, DType> dtypes = new LinkedHashMap<>();
    source
        .tensors()
        .forEach(
            (name, tensor) ->
                dtypes.put(
                    name,
                    quantization.dtypeOf(name, tensor.rows(), tensor.columns(), layers, isTied)));
    return dtypes;
  }

  /** Whether matrices lose quality a second time, because they are quantised in the source. */
  public boolean losesTwice() {
    return source.tensors().values().stream()
        .anyMatch(
            tensor ->
                !tensor.isVector()
                    && !tensor.dtype().isPlain()
                    && dtypes.get(tensor.name()) != tensor.dtype());
  }

  /** How many tensors of each dtype the file will hold. */
  public Map<DType, Integer> counts() {
    Map<DType, Integer> counts = new EnumMap<>(DType.class);
    dtypes.values().forEach(dtype -> counts.merge(dtype, 1, Integer::sum));
    return counts;
  }

  /** Writes the file, which may replace one but not the source; a failure leaves none. */
  public void write(Path file, GgufWriter.Progress progress) {
    GgufWriter writer = new GgufWriter();
    source.copyMetadata(writer, key -> !WRITTEN_ANEW.contains(key) && !key.startsWith("split."));
    writer.integer("general.file_type", quantization.fileType());
    writer.integer("general.quantization_version", QUANTIZATION_VERSION);
    dtypes.forEach(
        (name, dtype) -> {
          Tensor tensor = source.tensor(name);
          if (tensor.dtype() == dtype) {
            writer.tensor(tensor);
          } else {
            writer.tensor(name, dtype, tensor.rows(), tensor.columns(), RowSource.of(tensor));
          }
        });
    writer.write(file, progress);
  }
}
