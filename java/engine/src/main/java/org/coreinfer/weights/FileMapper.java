package org.coreinfer.weights;

import java.nio.file.Path;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.tensor.NativeMemory;

/** Maps files into memory, read-only. */
@FunctionalInterface
public interface FileMapper {
  /**
   * Maps all of a regular file of at least one byte.
   *
   * @return memory that the caller closes
   * @throws CoreInferException if the operating system refuses
   */
  NativeMemory map(Path file);
}
