package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.chat.jinja.Token.Kind;

/** What a value is assigned to: a name, an attribute of a namespace, or several of them. */
@FunctionalInterface
interface Target {
  void assign(Object value, Scope scope);

  /**
   * Reads what is assigned to.
   *
   * @param withNamespaces whether attributes may be assigned to
   */
  static Target parse(TokenStream tokens, boolean withNamespaces) {
    Target first = one(tokens, withNamespaces);
    if (!tokens.isOperator(",")) {
      return first;
    }
    List<Target> targets = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && !tokens.isName("in") && !tokens.isOperator("=")) {
      targets.add(one(tokens, withNamespaces));
    }
    return several(targets);
  }

  private static Target one(TokenStream tokens, boolean withNamespaces) {
    if (tokens.skipOperator("(")) {
      Target inner = parse(tokens, withNamespaces);
      tokens.expectOperator(")");
      return inner;
    }
    String name = tokens.expect(Kind.NAME, "a name to assign to").text();
    if (List.of("true", "false", "none", "True", "False", "None").contains(name)) {
      throw tokens.wrong("'" + name + "' can't be assigned to");
    }
    if (withNamespaces && tokens.skipOperator(".")) {
      String attribute = tokens.expect(Kind.NAME, "an attribute's name").text();
      return (value, scope) -> {
        if (!(scope.get(name) instanceof Namespace namespace)) {
          throw new JinjaException("'" + name + "' is no namespace: its attributes can't be set");
        }
        namespace.set(attribute, value);
      };
    }
    return (value, scope) -> scope.set(name, value);
  }

  private static Target several(List<Target> targets) {
    return (value, scope) -> {
      List<Object> values = Values.iterate(value);
      if (values.size() != targets.size()) {
        throw new JinjaException(
            "expected %d values to assign, found %d".formatted(targets.size(), values.size()));
      }
      for (int i = 0; i < values.size(); i++) {
        targets.get(i).assign(values.get(i), scope);
      }
    };
  }
}
