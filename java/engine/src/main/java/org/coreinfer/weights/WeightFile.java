package org.coreinfer.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.Tensor;

/**
 * A model's weights and settings, mapped from disk and checked. Tensors end when it is closed. A
 * tensor that this library can't compute with (its dtype, its shape) is no reason to refuse the
 * file: only asking for it is an error.
 */
public sealed interface WeightFile extends AutoCloseable permits GgufFile, HuggingFaceFolder {
  /** The file's or folder's name, for messages. */
  String name();

  /**
   * The model family as the file calls it: GGUF's {@code general.architecture}, config.json's
   * {@code model_type}.
   */
  String architecture();

  /** Every usable tensor, in file order; unmodifiable. */
  Map<String, Tensor> tensors();

  /** Names of the other tensors, and why each is unusable; unmodifiable. */
  Map<String, String> unsupported();

  /**
   * A tensor that the model can't do without.
   *
   * @throws ModelFormatException if it is missing or unusable
   */
  Tensor tensor(String name);

  /**
   * A tensor that some models lack.
   *
   * @throws ModelFormatException if it is there but unusable
   */
  Optional<Tensor> find(String name);

  /** The size of the mapped files. */
  long bytes();

  /** Unmaps the files; closing again does nothing. */
  @Override
  void close();

  /**
   * Opens a GGUF file or a Hugging Face folder, recognised by its content.
   *
   * @throws ModelFormatException if it is neither, or broken
   */
  static WeightFile open(Path path, FileMapper mapper) {
    if (Files.isDirectory(path)) {
      return HuggingFaceFolder.open(path, mapper);
    }
    if (!Files.exists(path)) {
      throw new ModelFormatException(
          path + ": no such file or folder; give a GGUF file or a Hugging Face folder");
    }
    return GgufFile.open(path, mapper);
  }
}
