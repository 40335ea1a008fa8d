package org.coreinfer.text;

import java.io.IOException;
import java.io.UncheckedIOException;

/** The tokenizer of Llama 3, for tests of other packages. */
public final class Llama3Tokenizer {
  private Llama3Tokenizer() {}

  /** Skips the test where its file is absent. */
  public static Tokenizer read() {
    try {
      return Tokenizers.fromGguf(Llama3Ranks.read());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
