package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.chat.jinja.Statement.Flow;
import org.coreinfer.chat.jinja.Token.Kind;

/** The statements {@code macro} and {@code call}. */
final class MacroParser {
  private static final Expression REQUIRED =
      scope -> new Undefined("a macro's argument is missing");

  private final Parser parser;
  private final TokenStream tokens;
  private final ExpressionParser expressions;

  MacroParser(Parser parser, TokenStream tokens, ExpressionParser expressions) {
    this.parser = parser;
    this.tokens = tokens;
    this.expressions = expressions;
  }

  /** A macro as it is written. */
  private record Macro(String name, Map<String, Expression> parameters, Statement body) {
    Callable in(Scope definition) {
      return (arguments, caller) -> call(arguments, definition.inner());
    }

    private Object call(Arguments arguments, Scope scope) {
      List<Object> positional = arguments.positional();
      Map<String, Object> named = new LinkedHashMap<>(arguments.named());
      int index = 0;
      for (Map.Entry<String, Expression> parameter : parameters.entrySet()) {
        String key = parameter.getKey();
        Object given = index < positional.size() ? positional.get(index) : named.remove(key);
        index++;
        scope.set(key, given == null ? parameter.getValue().eval(scope) : given);
      }
      Object caller = named.remove("caller");
      if (caller != null) {
        scope.set("caller", caller);
      }
      if (index < positional.size() || !named.isEmpty()) {
        throw new JinjaException(
            "the macro '" + name + "' got more arguments than it has names for");
      }
      return Parser.capture(body, scope);
    }
  }

  /** After {@code macro}. */
  Statement macro() {
    String name = tokens.expect(Kind.NAME, "the macro's name").text();
    Map<String, Expression> parameters = parameters();
    parser.endTag();
    Macro macro = new Macro(name, parameters, parser.outsideOfLoops("endmacro"));
    return (scope, out) -> {
      scope.set(name, macro.in(scope));
      return Flow.NEXT;
    };
  }

  private Map<String, Expression> parameters() {
    Map<String, Expression> parameters = new LinkedHashMap<>();
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String name = tokens.expect(Kind.NAME, "an argument's name").text();
      parameters.put(name, tokens.skipOperator("=") ? expressions.parse() : REQUIRED);
    }
    return parameters;
  }

  /** After {@code call}. */
  Statement call() {
    Map<String, Expression> parameters = tokens.isOperator("(") ? parameters() : Map.of();
    int line = tokens.line();
    Expression function = expressions.parseCalled();
    Calls.Parameters arguments = Calls.parameters(tokens, expressions);
    parser.endTag();
    Macro caller = new Macro("caller", parameters, parser.outsideOfLoops("endcall"));
    return (scope, out) -> {
      Arguments given = arguments.evaluate("the macro", scope);
      Map<String, Object> named = new LinkedHashMap<>(given.named());
      named.put("caller", caller.in(scope));
      Arguments all = new Arguments(given.callee(), new ArrayList<>(given.positional()), named);
      Text text = Values.str(Calls.call(function.eval(scope), all, scope, line));
      scope.budget().make(text.length());
      out.append(text);
      return Flow.NEXT;
    };
  }
}
