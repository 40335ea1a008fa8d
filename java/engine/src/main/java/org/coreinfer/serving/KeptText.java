package org.coreinfer.serving;

import org.coreinfer.generation.Beginning;

/**
 * A text that was answered, for prompts that begin alike.
 *
 * @param beginning owned
 */
record KeptText(TextTokens tokens, Beginning beginning) implements AutoCloseable {
  @Override
  public void close() {
    beginning.close();
  }
}
