package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.coreinfer.chat.jinja.Statement.Flow;

/** The statement {@code for}, and what jumps within it. */
final class LoopParser {
  private final Parser parser;
  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int depth;

  LoopParser(Parser parser, TokenStream tokens, ExpressionParser expressions) {
    this.parser = parser;
    this.tokens = tokens;
    this.expressions = expressions;
  }

  /** A loop as it is written. */
  private record For(
      Target target, Expression items, Expression filter, Statement body, Statement otherwise) {}

  /** After {@code for}. */
  Statement parse() {
    Target target = Target.parse(tokens, false);
    tokens.expectName("in");
    Expression items = expressions.parseTupleWithoutCondition();
    Expression filter = tokens.skipName("if") ? expressions.parse() : scope -> true;
    boolean isRecursive = tokens.skipName("recursive");
    parser.endTag();
    depth++;
    Statement body = parser.body(Set.of("else", "endfor"));
    depth--;
    Statement otherwise = (scope, out) -> Flow.NEXT;
    if (tokens.skipName("else")) {
      parser.endTag();
      otherwise = parser.bodyUntil("endfor");
    } else {
      tokens.expectName("endfor");
      parser.endTag();
    }
    For loop = new For(target, items, filter, body, otherwise);
    return (scope, out) -> run(loop, loop.items.eval(scope), scope, out, isRecursive ? 0 : -1);
  }

  /**
   * @param level of recursion; -1 where the loop is not recursive
   */
  private static Flow run(For loop, Object value, Scope scope, TextBuilder out, int level) {
    List<Object> items = new ArrayList<>();
    for (Object item : Values.iterate(value)) {
      Scope candidate = scope.inner();
      loop.target.assign(item, candidate);
      scope.budget().step();
      if (Values.isTrue(loop.filter.eval(candidate))) {
        items.add(item);
      }
    }
    if (items.isEmpty()) {
      return loop.otherwise.run(scope.inner(), out);
    }
    Callable recursion =
        (arguments, ignored) -> {
          TextBuilder text = new TextBuilder();
          Object next = arguments.only("iterable").get(0, "iterable");
          run(loop, next, scope, text, level + 1);
          return text.toText();
        };
    Loop state = new Loop(items, Math.max(0, level), level < 0 ? null : recursion);
    for (int i = 0; i < items.size(); i++) {
      scope.budget().step();
      state.moveTo(i);
      Scope turn = scope.inner();
      turn.set("loop", state);
      loop.target.assign(items.get(i), turn);
      if (loop.body.run(turn, out) == Flow.BREAK) {
        break;
      }
    }
    return Flow.NEXT;
  }

  Statement jump(Flow flow, Token name) {
    if (depth == 0) {
      throw new JinjaException("'" + name.text() + "' stands outside of a loop", name.line());
    }
    parser.endTag();
    return (scope, out) -> flow;
  }

  /** Parses what can't jump within the loops around it. */
  Statement outsideOfLoops(Supplier<Statement> parse) {
    int around = depth;
    depth = 0;
    Statement statement = parse.get();
    depth = around;
    return statement;
  }
}
