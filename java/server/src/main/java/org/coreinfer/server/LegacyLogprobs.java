package org.coreinfer.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.List;
import org.coreinfer.serving.TokenLogprob;

/**
 * The {@code logprobs} of a completion: lists of the same length, one item per token. For one
 * thread.
 */
final class LegacyLogprobs {
  private final JsonArray tokens = new JsonArray();
  private final JsonArray logprobs = new JsonArray();
  private final JsonArray tops = new JsonArray();
  private final JsonArray offsets = new JsonArray();
  private int offset;

  /**
   * @param offset characters of the text before the first token
   */
  LegacyLogprobs(int offset) {
    this.offset = offset;
  }

  /**
   * Adds a text's tokens.
   *
   * @param characters of the text; fewer than its tokens have where the first one's space is
   *     dropped
   */
  void addAll(List<TokenLogprob> text, int characters) {
    int dropped = text.stream().mapToInt(TokenText::characters).sum() - characters;
    for (TokenLogprob token : text) {
      add(token);
      int length = TokenText.characters(token);
      if (length > 0 && dropped > 0) {
        offset -= Math.min(dropped, length);
        dropped -= Math.min(dropped, length);
      }
    }
  }

  void add(TokenLogprob token) {
    tokens.add(TokenText.of(token));
    logprobs.add(TokenText.logprob(token));
    tops.add(token.hasValue() ? top(token) : JsonNull.INSTANCE);
    offsets.add(offset);
    offset += TokenText.characters(token);
  }

  /** The likeliest tokens, and the token itself whether it is one of them or not. */
  private static JsonObject top(TokenLogprob token) {
    JsonObject top = new JsonObject();
    for (TokenLogprob other : token.top()) {
      String text = TokenText.of(other);
      if (!top.has(text)) { // the likeliest of those that are written alike
        top.add(text, TokenText.logprob(other));
      }
    }
    String text = TokenText.of(token);
    if (!top.has(text)) {
      top.add(text, TokenText.logprob(token));
    }
    return top;
  }

  boolean isEmpty() {
    return tokens.isEmpty();
  }

  /** Where the next token begins. */
  int offset() {
    return offset;
  }

  JsonOut out() {
    return new JsonOut()
        .put("tokens", tokens)
        .put("token_logprobs", logprobs)
        .put("top_logprobs", tops)
        .put("text_offset", offsets);
  }
}
