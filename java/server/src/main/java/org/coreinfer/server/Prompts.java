package org.coreinfer.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.Model;
import org.coreinfer.text.Tokenizer;

/** The field that holds one text or several, as strings or as token ids. */
final class Prompts {
  private Prompts() {}

  /**
   * A text.
   *
   * @param text as it was sent, or what its tokens say
   */
  record Prompt(String text, List<Integer> tokens) {}

  /**
   * The texts of a field: a string, a list of strings, a list of ids, or a list of such lists.
   *
   * @param most texts
   * @throws ApiException if it is something else, or a text does not fit into the context
   */
  static List<Prompt> read(Fields fields, String name, Model model, int most) {
    JsonElement value = fields.element(name);
    if (value == null) {
      throw fields.missing(name, "a text, a list of texts, or token ids");
    }
    String label = fields.nameOf(name);
    List<Prompt> prompts = new ArrayList<>();
    if (value instanceof JsonArray array && !isIds(array)) {
      if (array.size() > most) {
        throw ApiException.invalid(
            label, "%s: %d texts, but at most %d are taken".formatted(label, array.size(), most));
      }
      for (int i = 0; i < array.size(); i++) {
        prompts.add(one(array.get(i), label + "[" + i + "]", model));
      }
    } else {
      prompts.add(one(value, label, model));
    }
    if (prompts.isEmpty()) {
      throw ApiException.invalid(label, label + ": the list is empty");
    }
    return prompts;
  }

  private static boolean isIds(JsonArray array) {
    return !array.isEmpty()
        && array.get(0) instanceof JsonPrimitive primitive
        && primitive.isNumber();
  }

  private static Prompt one(JsonElement value, String label, Model model) {
    Tokenizer tokenizer = model.tokenizer();
    Prompt prompt;
    if (value instanceof JsonArray ids) {
      int[] tokens = ids(ids, label, model);
      prompt = new Prompt(tokenizer.decode(tokens), boxed(tokens));
    } else {
      String text = Fields.stringOf(value, label);
      prompt = new Prompt(text, boxed(tokenizer.encode(text, true, true)));
    }
    if (prompt.tokens().isEmpty()) {
      throw ApiException.invalid(
          label, label + ": is empty, and this model has no token that starts a text");
    }
    if (prompt.tokens().size() > model.contextLength()) {
      throw ApiException.tooLong(
          label,
          "%s: has %d tokens, but the context has only %d: shorten it, or start the server with a larger --context"
              .formatted(label, prompt.tokens().size(), model.contextLength()));
    }
    return prompt;
  }

  private static List<Integer> boxed(int[] tokens) {
    return IntStream.of(tokens).boxed().toList();
  }

  /** Token ids of the model's vocabulary. */
  static int[] ids(JsonArray array, String label, Model model) {
    int[] ids = new int[array.size()];
    int vocabulary = model.config().vocabulary();
    for (int i = 0; i < ids.length; i++) {
      long id = Fields.wholeOf(array.get(i), label + "[" + i + "]");
      if (id < 0 || id >= vocabulary) {
        throw ApiException.invalid(
            label,
            "%s[%d]=%d: the vocabulary has the ids 0 to %d"
                .formatted(label, i, id, vocabulary - 1));
      }
      ids[i] = (int) id;
    }
    return ids;
  }
}
