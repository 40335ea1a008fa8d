package org.coreinfer.serving;

import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Sequence;

/** A sequence in which a prompt is read and answered. For one thread. */
final class LentText implements AutoCloseable {
  private final Sequence sequence;
  private final int[] prompt;
  private final TextTokens source;
  private final int cached;
  private int read;

  /**
   * @param sequence owned; holds the first {@code cached} tokens of the prompt and no others
   * @param source the text that they were taken over from
   */
  LentText(Sequence sequence, int[] prompt, TextTokens source, int cached) {
    this.sequence = sequence;
    this.prompt = prompt;
    this.source = source;
    this.cached = cached;
    this.read = cached;
  }

  Sequence sequence() {
    return sequence;
  }

  CoreOptions options() {
    return sequence.options();
  }

  /** Tokens of the prompt that were not read, as others had been. */
  int cached() {
    return cached;
  }

  /** Says how many tokens of the prompt were read, those of others included. */
  void hasRead(int tokens) {
    read = tokens;
  }

  int read() {
    return read;
  }

  /** What was read of the prompt. */
  TextTokens known() {
    return source.goneOn(prompt, read, cached, read);
  }

  /** The prompt, as if all of it had been read. */
  TextTokens promised() {
    return source.goneOn(prompt, prompt.length, cached, prompt.length);
  }

  /**
   * Everything that the sequence holds.
   *
   * @param text prompt and answer, of which it may not hold the last token
   */
  TextTokens whole(int[] text) {
    return source.goneOn(text, sequence.position(), cached, read);
  }

  @Override
  public void close() {
    sequence.close();
  }
}
