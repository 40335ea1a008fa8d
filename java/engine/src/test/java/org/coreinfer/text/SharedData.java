package org.coreinfer.text;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The data beside the repository: system property {@code coreinfer.shared}. */
final class SharedData {
  private static final Path ROOT =
      Path.of(System.getProperty("coreinfer.shared", "../../../shared"))
          .toAbsolutePath()
          .normalize();

  private SharedData() {}

  /** A file or folder; the test that asks is skipped if it is absent. */
  static Path path(String name) {
    Path path = ROOT.resolve(name);
    assumeTrue(Files.exists(path), path + " is absent; set -Dcoreinfer.shared to the shared data");
    return path;
  }

  /** The text of a file; what is not UTF-8 becomes U+FFFD. */
  static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  /** Every text of the corpora, the training data and the vectors. */
  static List<Path> texts() throws IOException {
    List<Path> texts = new ArrayList<>();
    for (String folder : List.of("data/corpora", "data/train", "data/vectors/cs336")) {
      try (Stream<Path> files = Files.walk(path(folder))) {
        files.filter(Files::isRegularFile).sorted().forEach(texts::add);
      }
    }
    return texts;
  }
}
