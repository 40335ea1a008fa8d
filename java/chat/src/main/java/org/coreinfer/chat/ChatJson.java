package org.coreinfer.chat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;

/** JSON that people and models write: strict, and nothing after the value. */
final class ChatJson {
  private ChatJson() {}

  /**
   * The object that a text holds.
   *
   * @param what the text is, for the message
   * @throws IllegalArgumentException if it holds anything else
   */
  static JsonObject object(String what, String json) {
    if (value(what, json) instanceof JsonObject object) {
      return object;
    }
    throw new IllegalArgumentException(what + " is no JSON object");
  }

  /**
   * The one value that a text holds.
   *
   * @throws IllegalArgumentException if it is no JSON
   */
  static JsonElement value(String what, String json) {
    try (JsonReader reader = new JsonReader(new StringReader(json))) {
      reader.setStrictness(Strictness.STRICT);
      JsonElement element = JsonParser.parseReader(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new IllegalArgumentException(what + " has text after its JSON value");
      }
      return element;
    } catch (IOException | JsonParseException | IllegalStateException | StackOverflowError e) {
      throw new IllegalArgumentException(what + " is no JSON", e);
    }
  }
}
