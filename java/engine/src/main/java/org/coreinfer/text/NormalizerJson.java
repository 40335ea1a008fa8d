package org.coreinfer.text;

import java.text.Normalizer.Form;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The {@code normalizer} of a tokenizer.json. */
final class NormalizerJson {
  private static final int DEEPEST = 16;

  private NormalizerJson() {}

  static Normalizer read(@Nullable JsonNode node) {
    return node == null ? Normalizer.NONE : read(node, 0);
  }

  private static Normalizer read(JsonNode node, int depth) {
    String type = node.get("type").string();
    return switch (type) {
      case "Sequence" -> sequence(node, depth);
      case "Prepend" -> Normalizer.prepend(node.get("prepend").string());
      case "Replace" -> replace(node);
      case "NFC", "NFD", "NFKC", "NFKD" -> Normalizer.unicode(Form.valueOf(type));
      default -> throw node.wrong("the normalizer " + Vocabulary.quote(type) + " is not supported");
    };
  }

  private static Normalizer sequence(JsonNode node, int depth) {
    if (depth == DEEPEST) {
      throw node.wrong("is nested more than " + DEEPEST + " levels deep");
    }
    List<JsonNode> members = node.get("normalizers").list();
    if (members.size() > DEEPEST) {
      throw node.wrong("expected at most " + DEEPEST + " members, found " + members.size());
    }
    Normalizer all = Normalizer.NONE;
    for (JsonNode member : members) {
      all = all.then(read(member, depth + 1));
    }
    return all;
  }

  private static Normalizer replace(JsonNode node) {
    String from = literal(node);
    return from.isEmpty()
        ? Normalizer.NONE
        : Normalizer.replace(from, node.get("content").string());
  }

  /** What a Replace looks for. */
  static String literal(JsonNode node) {
    JsonNode pattern = node.get("pattern");
    JsonNode literal = pattern.find("String");
    if (literal == null) {
      throw pattern.wrong("only a String pattern is supported in Replace");
    }
    return literal.string();
  }
}
