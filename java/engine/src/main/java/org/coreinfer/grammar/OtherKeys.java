package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.UNLIMITED;
import static org.coreinfer.grammar.Expression.sequence;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.coreinfer.grammar.Expression.Choice;
import org.coreinfer.grammar.Expression.Repeat;

/**
 * Keys that differ from given ones. Up to the character in which a key differs nothing is escaped,
 * so that no key is spelled otherwise.
 */
final class OtherKeys {
  private final Map<Integer, OtherKeys> children = new TreeMap<>();
  private boolean isKey;

  private OtherKeys() {}

  /** The text of a key that is none of these. */
  static Expression than(List<String> keys) {
    OtherKeys root = new OtherKeys();
    for (String key : keys) {
      OtherKeys node = root;
      for (int point : key.codePoints().toArray()) {
        node = node.children.computeIfAbsent(point, p -> new OtherKeys());
      }
      node.isKey = true;
    }
    return JsonText.quoted(root.expression());
  }

  private Expression expression() {
    List<Expression> options = new ArrayList<>();
    CodePoints others = JsonText.UNESCAPED;
    for (Map.Entry<Integer, OtherKeys> child : children.entrySet()) {
      int point = child.getKey();
      others = others.without(point, point);
      CodePoints same = JsonText.UNESCAPED.and(CodePoints.of(point, point));
      if (!same.isEmpty()) {
        options.add(sequence(same.utf8(), child.getValue().expression()));
      }
    }
    options.add(sequence(others.utf8(), new Repeat(JsonText.CHARACTER, 0, UNLIMITED)));
    if (!isKey) {
      options.add(Expression.EMPTY);
    }
    return new Choice(options);
  }
}
