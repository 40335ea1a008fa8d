package org.coreinfer.grammar;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.coreinfer.grammar.Expression.Rule;

/** The rules of a grammar by name, and whether texts can be made of them. */
final class GbnfRules {
  private static final String ROOT = "root";
  private static final int MOST = 2000; // what bounds how deep one rule may begin with another

  private final GbnfText text;
  private final Map<String, Named> rules = new LinkedHashMap<>();
  private final Map<Rule, Named> names = new HashMap<>();

  /** A rule, and where in the source it was defined, or else first used. */
  private static final class Named {
    final String name;
    final Rule rule;
    int at;
    boolean isDefined;
    boolean mayBeEmpty;

    Named(String name, int at) {
      this.name = name;
      this.rule = new Rule(name);
      this.at = at;
    }
  }

  private GbnfRules(GbnfText text) {
    this.text = text;
  }

  /**
   * The root of a grammar.
   *
   * @throws GbnfException if it is broken, begins with itself, or has no text
   */
  static Rule of(String source) {
    GbnfText text = new GbnfText(source);
    GbnfRules rules = new GbnfRules(text);
    new GbnfParser(text, rules).parse();
    return rules.root();
  }

  /** The rule of a name that is used at a place. */
  Rule used(String name, int at) {
    return named(name, at).rule;
  }

  /** Defines a rule, whose name stands at a place. */
  void define(String name, int at, Expression body) {
    Named known = named(name, at);
    if (known.isDefined) {
      throw text.wrong(at, "the rule " + name + " is defined twice");
    }
    known.isDefined = true;
    known.at = at;
    known.rule.define(body);
  }

  private Named named(String name, int at) {
    Named known = rules.get(name);
    if (known == null) {
      if (rules.size() == MOST) {
        throw text.wrong(at, "more than " + MOST + " rules");
      }
      known = new Named(name, at);
      rules.put(name, known);
      names.put(known.rule, known);
    }
    return known;
  }

  private Rule root() {
    for (Named each : rules.values()) {
      if (!each.isDefined) {
        throw text.wrong(each.at, "there is no rule " + each.name);
      }
    }
    Named root = rules.get(ROOT);
    if (root == null) {
      throw text.wrong(0, "there is no rule root, which every grammar begins with");
    }
    findEmpty();
    Set<Rule> seen = new HashSet<>();
    for (Named each : rules.values()) {
      follow(each.rule, seen, new HashSet<>());
    }
    if (!new Network(root.rule, ByteSet.ALL).hasText()) {
      throw text.wrong(root.at, "no text of the rule root ever ends");
    }
    return root.rule;
  }

  /** Finds out which rules take the empty text, until no more do. */
  private void findEmpty() {
    boolean isChanged = true;
    while (isChanged) {
      isChanged = false;
      for (Named each : rules.values()) {
        if (!each.mayBeEmpty && mayBeEmpty(each.rule.body())) {
          each.mayBeEmpty = true;
          isChanged = true;
        }
      }
    }
  }

  private boolean mayBeEmpty(Expression expression) {
    if (expression instanceof Expression.Sequence sequence) {
      return sequence.parts().stream().allMatch(this::mayBeEmpty);
    }
    if (expression instanceof Expression.Choice choice) {
      return choice.options().stream().anyMatch(this::mayBeEmpty);
    }
    if (expression instanceof Expression.Repeat repeat) {
      return repeat.min() == 0 || mayBeEmpty(repeat.body());
    }
    return expression instanceof Expression.Call call
        && Objects.requireNonNull(names.get(call.rule())).mayBeEmpty;
  }

  /**
   * Refuses a rule that may be called again before it has taken anything.
   *
   * @param seen rules that were looked into
   * @param open those of them that have not taken anything yet
   */
  private void follow(Rule rule, Set<Rule> seen, Set<Rule> open) {
    if (open.contains(rule)) {
      Named named = Objects.requireNonNull(names.get(rule));
      throw text.wrong(
          named.at,
          "the rule %s begins with itself, which can't be followed: let it repeat instead, as in x (\"+\" x)*"
              .formatted(named.name));
    }
    if (seen.add(rule)) {
      open.add(rule);
      follow(rule.body(), seen, open);
      open.remove(rule);
    }
  }

  private void follow(Expression expression, Set<Rule> seen, Set<Rule> open) {
    if (expression instanceof Expression.Sequence sequence) {
      for (Expression part : sequence.parts()) {
        follow(part, seen, open);
        if (!mayBeEmpty(part)) {
          return;
        }
      }
    } else if (expression instanceof Expression.Choice choice) {
      choice.options().forEach(option -> follow(option, seen, open));
    } else if (expression instanceof Expression.Repeat repeat) {
      follow(repeat.body(), seen, open);
    } else if (expression instanceof Expression.Call call) {
      follow(call.rule(), seen, open);
    }
  }
}
