package org.coreinfer.text;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.text.DecodingRule.ByteRuns;
import org.coreinfer.text.DecodingRule.Replacement;
import org.jspecify.annotations.Nullable;

/**
 * The {@code decoder} of a tokenizer.json: ByteLevel, Metaspace, or Replace, ByteFallback, Fuse and
 * Strip in this order.
 */
final class DecoderJson {
  private static final int MOST_MEMBERS = 16;

  private DecoderJson() {}

  static DecodingRule read(@Nullable JsonNode node) {
    if (node == null) {
      return DecodingRule.plain();
    }
    String type = node.get("type").string();
    return switch (type) {
      case "ByteLevel" -> DecodingRule.byteLevel();
      case "Metaspace" ->
          DecodingRule.metaspace(
              PreTokenizerJson.mark(node),
              PreTokenizerJson.prepend(node) != PreTokenizer.Prepend.NEVER);
      case "Sequence" -> sequence(node);
      default -> throw unsupported(node, type);
    };
  }

  private static DecodingRule sequence(JsonNode node) {
    List<JsonNode> members = node.get("decoders").list();
    if (members.size() == 1 && !members.get(0).get("type").string().equals("Sequence")) {
      return read(members.get(0));
    }
    if (members.size() > MOST_MEMBERS) {
      throw node.wrong("expected at most " + MOST_MEMBERS + " members, found " + members.size());
    }
    List<Replacement> replacements = new ArrayList<>();
    ByteRuns byteRuns = ByteRuns.NONE;
    boolean fused = false;
    int strip = 0;
    char stripped = ' ';
    for (JsonNode member : members) {
      String type = member.get("type").string();
      if (type.equals("Replace") && byteRuns == ByteRuns.NONE && !fused) {
        String from = NormalizerJson.literal(member);
        if (!from.isEmpty()) {
          replacements.add(new Replacement(from, member.get("content").string()));
        }
      } else if (type.equals("ByteFallback") && byteRuns == ByteRuns.NONE && !fused) {
        byteRuns = ByteRuns.WHOLE;
      } else if (type.equals("Fuse")) {
        fused = true;
      } else if (type.equals("Strip") && fused && strip == 0) {
        strip = member.get("start").integer();
        String content = member.get("content").string();
        if (content.length() != 1 || strip < 0 || member.get("stop").integer() != 0) {
          throw member.wrong("only Strip of one character at the start is supported");
        }
        stripped = content.charAt(0);
      } else {
        throw unsupported(member, type);
      }
    }
    return DecodingRule.characters(byteRuns, replacements, strip, stripped);
  }

  private static RuntimeException unsupported(JsonNode node, String type) {
    return node.wrong("the decoder " + Vocabulary.quote(type) + " is not supported here");
  }
}
