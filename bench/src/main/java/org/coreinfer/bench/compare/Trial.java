package org.coreinfer.bench.compare;

/**
 * What every engine does.
 *
 * @param promptTokens of the prompt whose reading is measured; 0 for none
 * @param tokens that are decoded at the beginning of a text
 * @param timeoutSeconds after which an engine is ended
 */
record Trial(ModelFiles files, int threads, int promptTokens, int tokens, int timeoutSeconds) {

  /** A text of so many tokens for a synthetic Llama, with the one that begins it. */
  static String text(int tokens) {
    return "a ".repeat(Math.max(1, tokens - 1)).strip();
  }
}
