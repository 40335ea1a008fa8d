package org.coreinfer.text;

import java.util.List;
import java.util.regex.Pattern;
import org.coreinfer.text.DelimiterSplit.Behavior;
import org.coreinfer.text.PreTokenizer.Prepend;
import org.jspecify.annotations.Nullable;

/**
 * The {@code pre_tokenizer} of a tokenizer.json.
 *
 * @param stage cuts the text
 * @param bytes whether the pieces are to be spelled in the byte alphabet after that
 */
record PreTokenizerJson(PreTokenizer stage, boolean bytes) {
  private static final int DEEPEST = 16;

  static PreTokenizerJson read(@Nullable JsonNode node) {
    return node == null ? new PreTokenizerJson(PreTokenizer.NONE, false) : read(node, 0);
  }

  private static PreTokenizerJson read(JsonNode node, int depth) {
    String type = node.get("type").string();
    return switch (type) {
      case "Sequence" -> sequence(node, depth);
      case "ByteLevel" -> byteLevel(node);
      case "Split" -> cuts(split(node));
      case "Digits" -> cuts(PreTokenizer.digits(node.flag("individual_digits", false)));
      case "Metaspace" -> cuts(metaspace(node));
      default ->
          throw node.wrong("the pre-tokenizer " + Vocabulary.quote(type) + " is not supported");
    };
  }

  private static PreTokenizerJson cuts(PreTokenizer stage) {
    return new PreTokenizerJson(stage, false);
  }

  private static PreTokenizerJson sequence(JsonNode node, int depth) {
    if (depth == DEEPEST) {
      throw node.wrong("is nested more than " + DEEPEST + " levels deep");
    }
    List<JsonNode> members = node.get("pretokenizers").list();
    if (members.size() > DEEPEST) {
      throw node.wrong("expected at most " + DEEPEST + " members, found " + members.size());
    }
    PreTokenizerJson all = cuts(PreTokenizer.NONE);
    for (JsonNode member : members) {
      PreTokenizer before = all.bytes ? all.stage.then(PreTokenizer.byteAlphabet()) : all.stage;
      PreTokenizerJson next = read(member, depth + 1);
      all = new PreTokenizerJson(before.then(next.stage), next.bytes);
    }
    return all;
  }

  private static PreTokenizerJson byteLevel(JsonNode node) {
    PreTokenizer before =
        node.flag("add_prefix_space", true) ? PreTokenizer.spaceBefore() : PreTokenizer.NONE;
    PreTokenizer words =
        node.flag("use_regex", true) ? PreTokenizer.of(SplitPattern.GPT_2) : PreTokenizer.NONE;
    return new PreTokenizerJson(before.then(words), true);
  }

  private static PreTokenizer split(JsonNode node) {
    String name = node.get("behavior").string();
    Behavior behavior = Behavior.of(name);
    if (behavior == null) {
      throw node.get("behavior")
          .wrong("the behavior " + Vocabulary.quote(name) + " is not supported");
    }
    boolean invert = node.flag("invert", false);
    JsonNode pattern = node.get("pattern");
    JsonNode literal = pattern.find("String");
    if (literal != null) {
      return literal.string().isEmpty()
          ? PreTokenizer.NONE
          : new DelimiterSplit(
              Pattern.compile(literal.string(), Pattern.LITERAL), behavior, invert);
    }
    JsonNode regex = pattern.get("Regex");
    SplitPattern wellKnown = OnigurumaPattern.wellKnown(regex.string());
    if (wellKnown != null
        && (behavior == Behavior.ISOLATED || (behavior == Behavior.REMOVED && invert))) {
      return PreTokenizer.of(wellKnown);
    }
    Pattern compiled = OnigurumaPattern.compile(regex.string());
    if (compiled == null) {
      throw regex.wrong("the pattern " + Vocabulary.quote(regex.string()) + " is not supported");
    }
    return new DelimiterSplit(compiled, behavior, invert);
  }

  private static PreTokenizer metaspace(JsonNode node) {
    return PreTokenizer.metaspace(mark(node), prepend(node), node.flag("split", true));
  }

  /** The word mark of a Metaspace pre-tokenizer or decoder. */
  static String mark(JsonNode node) {
    String mark = node.get("replacement").string();
    if (mark.codePointCount(0, mark.length()) != 1) {
      throw node.get("replacement")
          .wrong("expected one character, found " + Vocabulary.quote(mark));
    }
    return mark;
  }

  /** When a Metaspace pre-tokenizer or decoder counts on a mark before the text. */
  static Prepend prepend(JsonNode node) {
    String scheme =
        node.string("prepend_scheme", node.flag("add_prefix_space", true) ? "always" : "never");
    return switch (scheme) {
      case "always" -> Prepend.ALWAYS;
      case "first" -> Prepend.FIRST;
      case "never" -> Prepend.NEVER;
      default ->
          throw node.get("prepend_scheme")
              .wrong("expected always, first or never, found " + Vocabulary.quote(scheme));
    };
  }
}
