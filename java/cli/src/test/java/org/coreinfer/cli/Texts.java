package org.coreinfer.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Documents for tests of eval and neurons. */
final class Texts {
  private static final String[] STORIES = {
    "Once upon a time, there was a little girl. She liked to play in the park with her dog.",
    "One day, a bird saw a big red ball. The bird said, \"I want to play!\" and sang a song.",
    "Tom had a toy car. He gave it to his friend Sam, and they were happy and went home."
  };

  private static final String[] CODE = {
    "for (int i = 0; i < n; i++) { sum += values[i] * weights[i]; } return sum / n;",
    "def main(args): print(args[0]); return [x for x in range(10) if x % 2 == 0]",
    "if (file == null) { throw new IOException(path + \": cannot be read\"); }"
  };

  private Texts() {}

  static String stories(Path folder) throws IOException {
    return write(folder.resolve("stories.txt"), STORIES);
  }

  static String code(Path folder) throws IOException {
    return write(folder.resolve("code.txt"), CODE);
  }

  static String write(Path file, String... documents) throws IOException {
    return Files.writeString(file, String.join("\n<|endoftext|>\n", documents)).toString();
  }
}
