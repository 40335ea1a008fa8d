package org.coreinfer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.backend.Host;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CalibrationFile;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.weights.GgufFile;
import org.jspecify.annotations.Nullable;

/** Where calibrations lie: beside the model, or in the library's jar for the embedded one. */
public final class Calibrations {
  private static final String RESOURCE = "embedded.calibration";

  private Calibrations() {}

  /**
   * The calibration that lies beside a model.
   *
   * @param model GGUF file or Hugging Face folder; null for the embedded model
   * @return null if there is none
   * @throws org.coreinfer.error.ModelFormatException if it is broken
   */
  public static @Nullable Calibration of(@Nullable Path model) {
    if (model == null) {
      return embedded();
    }
    Path file = besides(model);
    return Files.exists(file) ? read(file) : null;
  }

  /** {@code model.gguf.calibration}, or {@code coreinfer.calibration} in a folder. */
  public static Path besides(Path model) {
    return Files.isDirectory(model)
        ? model.resolve("coreinfer.calibration")
        : model.resolveSibling(model.getFileName() + ".calibration");
  }

  /**
   * Reads a calibration.
   *
   * @throws org.coreinfer.error.ModelFormatException if it is none, or broken
   */
  public static Calibration read(Path file) {
    return CalibrationFile.read(file, Host::map);
  }

  private static @Nullable Calibration embedded() {
    try (InputStream in = Calibrations.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        return null;
      }
      try (GgufFile file = GgufFile.of(RESOURCE, Host.copyOf(RESOURCE, in.readAllBytes()))) {
        return CalibrationFile.read(file);
      }
    } catch (IOException e) {
      throw new CoreInferException("the embedded calibration can't be read: " + e.getMessage(), e);
    }
  }
}
