package org.coreinfer.weights;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;

/** What the tests of this package share: a mapper, real models, and the values of a tensor. */
final class TestFiles {
  private TestFiles() {}

  /** Maps with the JDK, where the library maps natively. */
  static NativeMemory map(Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      MappedByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
      List<MappedByteBuffer> held = new ArrayList<>(List.of(bytes)); // mapped until released
      long address;
      try (Pointer pointer = new Pointer(bytes)) {
        address = pointer.address();
      }
      return new NativeMemory(
          file.getFileName().toString(), address, bytes.capacity(), held::clear);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file or folder of the project's shared data; the test is skipped where that is absent. */
  static Path shared(String path) {
    Path found = Path.of(System.getProperty("coreinfer.shared", "../../../shared"), path);
    assumeTrue(Files.exists(found), () -> "skipped: " + found.toAbsolutePath() + " is absent");
    return found;
  }

  static float[] row(Tensor tensor, int row) {
    float[] values = new float[tensor.columns()];
    RowSource.of(tensor).read(row, values);
    return values;
  }
}
