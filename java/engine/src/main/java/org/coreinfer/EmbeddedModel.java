package org.coreinfer;

import java.io.IOException;
import java.io.InputStream;
import org.coreinfer.backend.Host;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.weights.GgufFile;

/** The small model inside of the library's jar. */
final class EmbeddedModel {
  private static final String RESOURCE = "embedded.gguf";

  private EmbeddedModel() {}

  static GgufFile open() {
    try (InputStream in = EmbeddedModel.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new CoreInferException(
            "this build has no embedded model: name a GGUF file or a Hugging Face folder");
      }
      return GgufFile.of("embedded", Host.copyOf("the embedded model", in.readAllBytes()));
    } catch (IOException e) {
      throw new CoreInferException("the embedded model could not be read: " + e.getMessage(), e);
    }
  }
}
