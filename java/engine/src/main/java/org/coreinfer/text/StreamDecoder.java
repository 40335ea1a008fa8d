package org.coreinfer.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;
import org.coreinfer.text.DecodingRule.ByteRuns;
import org.coreinfer.text.DecodingRule.Form;
import org.jspecify.annotations.Nullable;

/**
 * Decodes one sequence token by token into whole characters. All that it returns, joined, is the
 * text that {@link Tokenizer#decode} gives for the same ids. A character spread over several tokens
 * comes with its last one; where a model spells rare characters as byte tokens and comes from
 * Hugging Face, a run of those comes with the token after it, because one broken byte voids the
 * whole run. For use by one thread.
 */
public final class StreamDecoder {
  private final DecodingRule rule;
  private final IntFunction<@Nullable String> pieces;
  private final Utf8Decoder utf8;
  private final ByteArrayOutputStream byteRun = new ByteArrayOutputStream();
  private int stillStripped;
  private boolean isFirst;

  /**
   * @param pieces the piece of an id; null for what decoding skips
   */
  StreamDecoder(DecodingRule rule, IntFunction<@Nullable String> pieces, boolean startOfText) {
    this.rule = rule;
    this.pieces = pieces;
    this.utf8 = new Utf8Decoder(rule.byteRuns() == ByteRuns.EACH_CHARACTER);
    this.stillStripped = startOfText ? rule.strip() : 0;
    this.isFirst = startOfText;
  }

  /** The text that became complete with this token; empty if none did. */
  public String next(int id) {
    String piece = pieces.apply(id);
    if (piece == null) {
      return "";
    }
    StringBuilder out = new StringBuilder();
    append(piece, out);
    isFirst = false;
    return stripped(out);
  }

  /** The end of the sequence: what was held back, with U+FFFD for an unfinished character. */
  public String flush() {
    StringBuilder out = new StringBuilder();
    endByteRun(out);
    return stripped(out);
  }

  private void append(String piece, StringBuilder out) {
    if (rule.form() == Form.BYTES) {
      for (byte next : ByteAlphabet.decode(piece)) {
        utf8.accept(next, out);
      }
      return;
    }
    boolean loses = isFirst && !rule.firstLoses().isEmpty();
    String text = rule.text(loses ? piece.replace(rule.firstLoses(), "") : piece);
    int value = rule.byteRuns() == ByteRuns.NONE ? -1 : DecodingRule.byteValue(text);
    if (value < 0) {
      endByteRun(out);
      out.append(isFirst ? "" : rule.separator()).append(text);
    } else if (rule.byteRuns() == ByteRuns.WHOLE) {
      byteRun.write(value);
    } else {
      utf8.accept((byte) value, out);
    }
  }

  private void endByteRun(StringBuilder out) {
    utf8.finish(out);
    if (byteRun.size() == 0) {
      return;
    }
    byte[] bytes = byteRun.toByteArray();
    byteRun.reset();
    try {
      out.append(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)));
    } catch (CharacterCodingException broken) {
      out.append("\ufffd".repeat(bytes.length));
    }
  }

  private String stripped(StringBuilder out) {
    int start = 0;
    while (stillStripped > 0 && start < out.length()) {
      if (out.charAt(start) == rule.stripped()) {
        stillStripped--;
        start++;
      } else {
        stillStripped = 0;
      }
    }
    return out.substring(start);
  }
}
