package org.coreinfer.server;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.serving.TokenLogprob;

/** Tokens with their log probabilities, as OpenAI's two APIs write them. */
final class TokenText {
  private TokenText() {}

  /**
   * A token as text that no other token shares: what is not UTF-8 by itself is spelled {@code
   * bytes:\\xe2}.
   */
  static String of(TokenLogprob token) {
    byte[] bytes = token.bytes();
    if (bytes.length == 0) {
      return token.piece();
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException part) {
      StringBuilder spelled = new StringBuilder("bytes:");
      for (byte b : bytes) {
        spelled.append(String.format("\\x%02x", b & 0xff));
      }
      return spelled.toString();
    }
  }

  /** Characters that begin in a token. */
  static int characters(TokenLogprob token) {
    int characters = 0;
    for (byte b : token.bytes()) {
      characters += (b & 0xc0) != 0x80 ? 1 : 0;
    }
    return characters;
  }

  /** The logarithm; null where nothing predicted the token. */
  static JsonElement logprob(TokenLogprob token) {
    return token.hasValue() ? new JsonPrimitive(token.logprob()) : JsonNull.INSTANCE;
  }

  /** An item of {@code logprobs.content} of chat completions. */
  static JsonOut chatItem(TokenLogprob token) {
    List<JsonOut> top = new ArrayList<>();
    token.top().forEach(other -> top.add(chatToken(other)));
    return chatToken(token).putObjects("top_logprobs", top);
  }

  private static JsonOut chatToken(TokenLogprob token) {
    List<Integer> bytes = new ArrayList<>();
    for (byte b : token.bytes()) {
      bytes.add(b & 0xff);
    }
    return new JsonOut()
        .put("token", of(token))
        .put("logprob", logprob(token))
        .putNumbers("bytes", bytes);
  }
}
