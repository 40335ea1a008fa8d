package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Path;
import java.util.Arrays;
import org.coreinfer.backend.Host;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private byte[] of(String tensor, int rows, float start, float step) {
    Path path = folder.resolve("model.gguf");
    GgufWriter writer = new GgufWriter();
    writer.string("general.architecture", "llama");
    writer.tensor(
        tensor,
        DType.F32,
        rows,
        64,
        (row, target) -> {
          for (int i = 0; i < target.length; i++) {
            target[i] = start + step * (row * target.length + i);
          }
        });
    writer.write(path, (written, total) -> {});
    try (WeightFile file = WeightFile.open(path, Host::map)) {
      return Fingerprint.of(file);
    }
  }

  @Test
  void theSameWeightsHaveTheSame() {
    assertArrayEquals(of("a", 700, 1, 0.5f), of("a", 700, 1, 0.5f));
    assertArrayEquals(of("a", 1, 1, 0), of("a", 1, 1, 0));
  }

  @Test
  void otherValuesNamesAndShapesHaveAnother() {
    byte[] some = of("a", 700, 1, 0.5f);
    assertFalse(Arrays.equals(some, of("b", 700, 1, 0.5f)));
    assertFalse(Arrays.equals(some, of("a", 701, 1, 0.5f)));
    assertFalse(Arrays.equals(some, of("a", 700, 2, 0.5f)));
    assertFalse(Arrays.equals(some, of("a", 700, 1, 0.25f)));
    assertFalse(Arrays.equals(of("a", 1, 1, 0), of("a", 1, 2, 0)));
  }
}
