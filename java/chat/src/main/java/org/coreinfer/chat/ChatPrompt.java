package org.coreinfer.chat;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.coreinfer.chat.jinja.Text;
import org.coreinfer.text.Tokenizer;

/**
 * A conversation as the model reads it. Immutable.
 *
 * <p>Each character of the text knows whether the template wrote it or a message did, through
 * whatever the template did to it: trimming, splitting, joining. Special tokens count only where
 * the template wrote all of their characters, so a message that spells one, even with the
 * template's help, remains text. Everything else is tokenized as a whole, and so as the model's own
 * tokenizer does it.
 */
public final class ChatPrompt {
  private final Text text;
  private final String template;

  /**
   * @param template the template's source
   */
  ChatPrompt(Text text, String template) {
    this.text = text;
    this.template = template;
  }

  /** The rendered text, special tokens written out. */
  public String text() {
    return text.string();
  }

  /**
   * The token ids of the whole, with the begin-of-sequence token, if the tokenizer adds one to
   * texts and the template has not written it.
   */
  public List<Integer> tokens(Tokenizer tokenizer) {
    int[] ids = tokenizer.encode(text.string(), false, this::counts);
    OptionalInt bos = tokenizer.bosToken();
    boolean lacksBos =
        tokenizer.addsBos() && bos.isPresent() && (ids.length == 0 || ids[0] != bos.getAsInt());
    if (lacksBos) {
      int[] all = new int[ids.length + 1];
      all[0] = bos.getAsInt();
      System.arraycopy(ids, 0, all, 1, ids.length);
      ids = all;
    }
    return Arrays.stream(ids).boxed().toList();
  }

  /**
   * Tokens that a model does not call special, but its template writes, are as good as special
   * ones: some models mark their turns with such.
   */
  private boolean counts(String token, boolean isSpecial, int start, int end) {
    boolean isControl = isSpecial || (!token.isBlank() && template.contains(token));
    return !isControl || text.isTrusted(start, end);
  }
}
