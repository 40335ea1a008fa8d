package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.chat.jinja.Token.Kind;

/** The arguments of calls, and calling. */
final class Calls {
  static final Parameters NO_PARAMETERS = new Parameters(List.of(), Map.of(), List.of(), List.of());

  private Calls() {}

  /** Arguments as they are written. */
  record Parameters(
      List<Expression> positional,
      Map<String, Expression> named,
      List<Expression> lists,
      List<Expression> maps) {

    Arguments evaluate(String callee, Scope scope) {
      List<Object> values = new ArrayList<>();
      positional.forEach(expression -> values.add(expression.eval(scope)));
      lists.forEach(list -> values.addAll(Values.iterate(list.eval(scope))));
      Map<String, Object> byName = new LinkedHashMap<>();
      named.forEach((name, expression) -> byName.put(name, expression.eval(scope)));
      for (Expression map : maps) {
        Values.requireMap(map.eval(scope), "what ** spreads")
            .forEach(
                (key, value) -> byName.put(Values.requireText(key, "a ** name").string(), value));
      }
      scope.budget().make(values.size() + byName.size());
      return new Arguments(callee, values, byName);
    }
  }

  static Parameters single(Expression argument) {
    return new Parameters(List.of(argument), Map.of(), List.of(), List.of());
  }

  static Parameters parameters(TokenStream tokens, ExpressionParser expressions) {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    List<Expression> lists = new ArrayList<>();
    List<Expression> maps = new ArrayList<>();
    tokens.expectOperator("(");
    boolean isFirst = true;
    while (!tokens.skipOperator(")")) {
      if (!isFirst) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      isFirst = false;
      Token token = tokens.current();
      if (tokens.skipOperator("*")) {
        lists.add(expressions.parse());
      } else if (tokens.skipOperator("**")) {
        maps.add(expressions.parse());
      } else if (token.kind() == Kind.NAME && tokens.following().isOperator("=")) {
        tokens.next();
        tokens.next();
        named.put(token.text(), expressions.parse());
      } else if (!named.isEmpty() || !maps.isEmpty()) {
        throw tokens.wrong("an argument without a name follows one with a name");
      } else {
        positional.add(expressions.parse());
      }
    }
    return new Parameters(positional, named, lists, maps);
  }

  static Object call(Object called, Arguments arguments, Scope scope, int line) {
    if (!(called instanceof Callable callable)) {
      Values.requireDefined(called);
      throw new JinjaException("'" + Values.type(called) + "' can't be called", line);
    }
    scope.budget().enter();
    try {
      return callable.call(arguments, scope);
    } finally {
      scope.budget().exit();
    }
  }
}
