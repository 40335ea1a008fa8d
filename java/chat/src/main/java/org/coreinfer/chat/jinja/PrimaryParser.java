package org.coreinfer.chat.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.chat.jinja.Token.Kind;

/** Makes closures of what expressions are made of: names, literals, and expressions in brackets. */
final class PrimaryParser {
  private final TokenStream tokens;
  private final ExpressionParser expressions;

  PrimaryParser(TokenStream tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  /** The next one. */
  Expression parse() {
    Token token = tokens.next();
    return switch (token.kind()) {
      case NAME -> name(token.text());
      case STRING -> string(token.text());
      case INTEGER -> constant(integer(token));
      case FLOAT -> constant(Double.valueOf(token.text()));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> inBrackets();
            case "[" -> list();
            case "{" -> dict();
            default -> throw unexpected(token);
          };
      default -> throw unexpected(token);
    };
  }

  private static Expression constant(Object value) {
    return scope -> value;
  }

  /** A string, and those that follow it. */
  private Expression string(String first) {
    StringBuilder joined = new StringBuilder(first);
    while (tokens.current().kind() == Kind.STRING) {
      joined.append(tokens.next().text());
    }
    return constant(Text.trusted(joined.toString()));
  }

  private static JinjaException unexpected(Token token) {
    return new JinjaException("expected an expression, found " + token.shown(), token.line());
  }

  private static Expression name(String name) {
    return switch (name) {
      case "true", "True" -> scope -> true;
      case "false", "False" -> scope -> false;
      case "none", "None" -> scope -> None.NONE;
      default -> scope -> scope.get(name);
    };
  }

  static Object integer(Token token) {
    try {
      boolean isHex = token.text().startsWith("0x") || token.text().startsWith("0X");
      BigInteger number =
          isHex ? new BigInteger(token.text().substring(2), 16) : new BigInteger(token.text());
      return number.bitLength() < Long.SIZE ? (Object) number.longValue() : number;
    } catch (NumberFormatException e) {
      throw new JinjaException("'" + token.text() + "' is no number", token.line());
    }
  }

  private Expression inBrackets() {
    if (tokens.skipOperator(")")) {
      return scope -> new Tuple(List.of());
    }
    Expression value = expressions.parseTuple();
    tokens.expectOperator(")");
    return value;
  }

  private Expression list() {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator("]")) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("]")) {
          break;
        }
      }
      items.add(expressions.parse());
    }
    return scope -> ExpressionParser.evaluated(items, scope);
  }

  private Expression dict() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expressions.parse());
      tokens.expectOperator(":");
      values.add(expressions.parse());
    }
    return scope -> {
      scope.budget().make(keys.size());
      Map<Object, Object> dict = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        dict.put(Values.key(keys.get(i).eval(scope)), values.get(i).eval(scope));
      }
      return dict;
    };
  }
}
