package org.coreinfer.server;

import com.google.gson.JsonArray;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@code POST /tokenize} and {@code /detokenize}, and {@code GET /tokenizer_info}, with
 * which lm-evaluation-harness needs no tokenizer of its own. Thread-safe.
 */
final class Tokens {
  private final ServedModel served;

  Tokens(ServedModel served) {
    this.served = served;
  }

  /** The special tokens, as texts. */
  void describe(Call call) {
    Tokenizer tokenizer = served.model().tokenizer();
    ChatTemplate template = served.template();
    call.send(
        new JsonOut()
            .put("bos_token", piece(tokenizer.bosToken()))
            .put("eos_token", piece(tokenizer.eosToken()))
            .put("pad_token", (String) null)
            .put("add_bos_token", tokenizer.addsBos())
            .put("chat_template", template == null ? null : template.source()));
  }

  private @Nullable String piece(OptionalInt id) {
    return id.isPresent() ? served.model().tokenizer().piece(id.getAsInt()) : null;
  }

  /**
   * Ids of a text. As other engines have it, a {@code content} is by default a piece of a text, and
   * a {@code prompt} the whole, with the tokens that the model wants around it.
   */
  void tokenize(Call call) {
    Fields fields = call.fields();
    served.requireNamed(fields);
    boolean isPiece = fields.has("content");
    String text = isPiece ? fields.requiredString("content") : fields.requiredString("prompt");
    String name = fields.has("add_special") ? "add_special" : "add_special_tokens";
    boolean addSpecial = fields.bool(name, !isPiece);
    boolean parseSpecial = fields.bool("parse_special", true);
    boolean withPieces = fields.bool("with_pieces", false);
    Tokenizer tokenizer = served.model().tokenizer();
    List<Integer> ids =
        IntStream.of(tokenizer.encode(text, addSpecial, parseSpecial)).boxed().toList();
    JsonOut out =
        new JsonOut()
            .putNumbers("tokens", ids)
            .put("count", ids.size())
            .put("max_model_len", served.model().contextLength());
    call.send(
        withPieces ? out.putStrings("pieces", ids.stream().map(tokenizer::piece).toList()) : out);
  }

  /** The text of ids. */
  void detokenize(Call call) {
    Fields fields = call.fields();
    served.requireNamed(fields);
    JsonArray tokens = fields.array("tokens");
    if (tokens == null) {
      throw fields.missing("tokens", "a list of token ids");
    }
    Model model = served.model();
    String text = model.tokenizer().decode(Prompts.ids(tokens, "tokens", model));
    call.send(new JsonOut().put("content", text).put("prompt", text));
  }
}
