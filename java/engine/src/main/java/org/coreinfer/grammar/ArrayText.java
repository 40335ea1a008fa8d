package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.UNLIMITED;
import static org.coreinfer.grammar.Expression.optional;
import static org.coreinfer.grammar.Expression.sequence;
import static org.coreinfer.grammar.Expression.text;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.grammar.Expression.Repeat;
import org.jspecify.annotations.Nullable;

/** The text of arrays. */
final class ArrayText {
  private final SchemaCompiler compiler;
  private final List<SchemaPart> own;

  ArrayText(SchemaCompiler compiler, List<SchemaPart> own) {
    this.compiler = compiler;
    this.own = own;
  }

  Expression expression() {
    for (SchemaPart part : own) {
      if (SchemaKeywords.flag(part, "uniqueItems")) {
        throw part.wrong("\"uniqueItems\" is not supported");
      }
    }
    int min = SchemaKeywords.most(own, "minItems");
    int max = SchemaKeywords.least(own, "maxItems");
    if (max != UNLIMITED && max < min) {
      return Expression.NOTHING;
    }
    Expression empty = sequence(text("["), JsonText.BLANK, text("]"));
    Expression filled =
        max == 0
            ? Expression.NOTHING
            : sequence(text("["), JsonText.BLANK, items(min, max), JsonText.BLANK, text("]"));
    return min == 0 ? Expression.choice(empty, filled) : filled;
  }

  /** At least one item. */
  private Expression items(int min, int max) {
    int prefix = own.stream().mapToInt(part -> prefix(part).size()).max().orElse(0);
    int listed = max == UNLIMITED ? prefix : Math.min(prefix, max);
    int moreMax = max == UNLIMITED ? UNLIMITED : max - Math.max(listed, 1);
    Expression next =
        new Repeat(
            sequence(text(","), JsonText.BLANK, item(Math.max(listed, 1))),
            Math.max(0, min - Math.max(listed, 1)),
            moreMax);
    for (int i = listed - 1; i > 0; i--) {
      Expression from = sequence(text(","), JsonText.BLANK, item(i), next);
      next = i < min ? from : optional(from);
    }
    return sequence(item(0), next);
  }

  /** What every schema says of the item at an index. */
  private Expression item(int index) {
    List<SchemaPart> all = new ArrayList<>();
    for (SchemaPart part : own) {
      List<SchemaPart> prefix = prefix(part);
      SchemaPart further = further(part);
      if (index < prefix.size()) {
        all.add(prefix.get(index));
      } else if (further != null) {
        all.add(further);
      }
    }
    return compiler.value(all);
  }

  /** The schemas of the first items, which older drafts call {@code items}. */
  private static List<SchemaPart> prefix(SchemaPart part) {
    boolean isOld = isListed(part);
    String keyword = isOld ? "items" : "prefixItems";
    List<JsonElement> list = SchemaKeywords.list(part, keyword);
    SchemaPart owner = part.below(keyword, part.value());
    List<SchemaPart> prefix = new ArrayList<>();
    for (int i = 0; list != null && i < list.size(); i++) {
      prefix.add(owner.below(String.valueOf(i), list.get(i)));
    }
    return prefix;
  }

  private static @Nullable SchemaPart further(SchemaPart part) {
    String keyword = isListed(part) ? "additionalItems" : "items";
    JsonElement schema = SchemaKeywords.value(part, keyword);
    return schema == null ? null : part.below(keyword, schema);
  }

  private static boolean isListed(SchemaPart part) {
    JsonElement items = SchemaKeywords.value(part, "items");
    return items != null && items.isJsonArray();
  }
}
