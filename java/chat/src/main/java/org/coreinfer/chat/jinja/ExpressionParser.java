package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.coreinfer.chat.jinja.Numbers.Operation;
import org.coreinfer.chat.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Makes closures of expressions, with jinja2's precedences. */
final class ExpressionParser {
  private static final Map<String, Operation> SUMS =
      Map.of("+", Operation.ADD, "-", Operation.SUBTRACT);
  private static final Map<String, Operation> PRODUCTS =
      Map.of(
          "*", Operation.MULTIPLY,
          "/", Operation.DIVIDE,
          "//", Operation.DIVIDE_DOWN,
          "%", Operation.REMAINDER);
  private static final Map<String, Operation> POWERS = Map.of("**", Operation.POWER);
  private static final List<String> COMPARISONS = List.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenStream tokens;
  private final PrimaryParser primaries;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
    this.primaries = new PrimaryParser(tokens, this);
  }

  /** An expression, or a tuple of several with commas between. */
  Expression parseTuple() {
    return tupleOf(this::parse);
  }

  /** As the other one, where an {@code if} that follows belongs to something else. */
  Expression parseTupleWithoutCondition() {
    return tupleOf(this::parseOr);
  }

  private Expression tupleOf(Supplier<Expression> parser) {
    Expression first = parser.get();
    if (!tokens.isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && !isTupleEnd()) {
      items.add(parser.get());
    }
    return scope -> new Tuple(evaluated(items, scope));
  }

  private boolean isTupleEnd() {
    Kind kind = tokens.current().kind();
    return kind == Kind.VARIABLE_END || kind == Kind.BLOCK_END || tokens.isOperator(")");
  }

  static List<Object> evaluated(List<Expression> expressions, Scope scope) {
    scope.budget().make(expressions.size());
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(expression.eval(scope));
    }
    return values;
  }

  Expression parse() {
    tokens.enter();
    Expression value = parseOr();
    while (tokens.skipName("if")) {
      Expression chosen = value;
      Expression condition = parseOr();
      Expression other =
          tokens.skipName("else")
              ? parse()
              : scope -> new Undefined("a condition was false, and there is no else");
      value =
          scope -> Values.isTrue(condition.eval(scope)) ? chosen.eval(scope) : other.eval(scope);
    }
    tokens.exit();
    return value;
  }

  private Expression parseOr() {
    Expression left = parseAnd();
    while (tokens.skipName("or")) {
      Expression first = left;
      Expression second = parseAnd();
      left =
          scope -> {
            Object value = first.eval(scope);
            return Values.isTrue(value) ? value : second.eval(scope);
          };
    }
    return left;
  }

  private Expression parseAnd() {
    Expression left = parseNot();
    while (tokens.skipName("and")) {
      Expression first = left;
      Expression second = parseNot();
      left =
          scope -> {
            Object value = first.eval(scope);
            return Values.isTrue(value) ? second.eval(scope) : value;
          };
    }
    return left;
  }

  private Expression parseNot() {
    if (tokens.skipName("not")) {
      tokens.enter();
      Expression negated = parseNot();
      tokens.exit();
      return scope -> !Values.isTrue(negated.eval(scope));
    }
    return parseComparison();
  }

  private record Comparison(String operator, Expression right) {}

  private Expression parseComparison() {
    Expression first = parseSum();
    List<Comparison> comparisons = new ArrayList<>();
    while (true) {
      String operator = comparison();
      if (operator == null) {
        break;
      }
      comparisons.add(new Comparison(operator, parseSum()));
    }
    if (comparisons.isEmpty()) {
      return first;
    }
    return scope -> {
      Object left = first.eval(scope);
      for (Comparison comparison : comparisons) {
        Object right = comparison.right.eval(scope);
        if (!Operators.compare(comparison.operator, left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    };
  }

  private @Nullable String comparison() {
    Token token = tokens.current();
    if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
      return tokens.next().text();
    }
    if (tokens.skipName("in")) {
      return "in";
    }
    if (token.isName("not") && tokens.following().isName("in")) {
      tokens.next();
      tokens.next();
      return "not in";
    }
    return null;
  }

  private Expression parseSum() {
    return calculation(SUMS, this::parseJoin);
  }

  private Expression parseJoin() {
    Expression left = parseProduct();
    while (tokens.skipOperator("~")) {
      Expression first = left;
      Expression second = parseProduct();
      left = scope -> Operators.join(first.eval(scope), second.eval(scope), scope.budget());
    }
    return left;
  }

  private Expression parseProduct() {
    return calculation(PRODUCTS, () -> calculation(POWERS, () -> parseUnary(true)));
  }

  private Expression calculation(Map<String, Operation> operations, Supplier<Expression> operand) {
    Expression left = operand.get();
    while (tokens.current().kind() == Kind.OPERATOR) {
      Operation operation = operations.get(tokens.current().text());
      if (operation == null) {
        break;
      }
      tokens.next();
      Expression first = left;
      Expression second = operand.get();
      left =
          scope ->
              Operators.calculate(operation, first.eval(scope), second.eval(scope), scope.budget());
    }
    return left;
  }

  private Expression parseUnary(boolean withFilters) {
    tokens.enter();
    Expression value;
    if (tokens.skipOperator("-")) {
      Expression negated = parseUnary(false);
      value = scope -> Numbers.negate(negated.eval(scope));
    } else if (tokens.skipOperator("+")) {
      Expression number = parseUnary(false);
      value = scope -> Numbers.plus(number.eval(scope));
    } else {
      value = primaries.parse();
    }
    value = parsePostfix(value);
    tokens.exit();
    return withFilters ? parseFilters(value) : value;
  }

  /** What a call block calls: a name, perhaps with attributes. */
  Expression parseCalled() {
    Expression value = primaries.parse();
    while (tokens.skipOperator(".")) {
      value = member(value);
    }
    return value;
  }

  private Expression parsePostfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.skipOperator(".")) {
        value = member(value);
      } else if (tokens.skipOperator("[")) {
        value = subscript(value);
      } else if (tokens.isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expression member(Expression value) {
    if (tokens.current().kind() == Kind.INTEGER) {
      Object index = PrimaryParser.integer(tokens.next());
      return scope -> Members.item(value.eval(scope), index);
    }
    String name = tokens.expect(Kind.NAME, "a name").text();
    return scope -> Members.attribute(value.eval(scope), name);
  }

  private Expression subscript(Expression value) {
    Expression nothing = scope -> None.NONE;
    Expression from = tokens.isOperator(":") ? nothing : parse();
    if (!tokens.isOperator(":")) {
      tokens.expectOperator("]");
      return scope -> Members.item(value.eval(scope), from.eval(scope));
    }
    tokens.next();
    Expression to = tokens.isOperator(":") || tokens.isOperator("]") ? nothing : parse();
    Expression by = tokens.skipOperator(":") && !tokens.isOperator("]") ? parse() : nothing;
    tokens.expectOperator("]");
    return scope ->
        Members.slice(
            value.eval(scope), from.eval(scope), to.eval(scope), by.eval(scope), scope.budget());
  }

  private Expression call(Expression function) {
    int line = tokens.line();
    Calls.Parameters parameters = Calls.parameters(tokens, this);
    return scope -> {
      Object called = function.eval(scope);
      return Calls.call(called, parameters.evaluate("the function", scope), scope, line);
    };
  }

  private Expression parseFilters(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.skipOperator("|")) {
        value = filter(value);
      } else if (tokens.skipName("is")) {
        value = test(value);
      } else if (tokens.isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  /** Filters of a block: {@code name|name(arguments)}. */
  Expression parseFiltersOf(Expression value) {
    return parseFilters(filter(value));
  }

  private Expression filter(Expression value) {
    Token name = tokens.expect(Kind.NAME, "a filter's name");
    Filters.Filter filter = Filters.find(name.text());
    if (filter == null) {
      throw new JinjaException("the filter '" + name.text() + "' is not supported", name.line());
    }
    Calls.Parameters parameters =
        tokens.isOperator("(") ? Calls.parameters(tokens, this) : Calls.NO_PARAMETERS;
    return scope -> {
      scope.budget().step();
      Object filtered = value.eval(scope);
      return filter.apply(filtered, parameters.evaluate(name.text(), scope), scope);
    };
  }

  private Expression test(Expression value) {
    boolean isNegated = tokens.skipName("not");
    Token name = tokens.next();
    Tests.Test test = Tests.find(name.text());
    boolean isNamed = name.kind() == Kind.NAME || COMPARISONS.contains(name.text());
    if (!isNamed || test == null) {
      throw new JinjaException("the test " + name.shown() + " is not supported", name.line());
    }
    Calls.Parameters parameters = Calls.NO_PARAMETERS;
    if (tokens.isOperator("(")) {
      parameters = Calls.parameters(tokens, this);
    } else if (beginsOperand()) {
      tokens.enter();
      parameters = Calls.single(parsePostfix(primaries.parse()));
      tokens.exit();
    }
    Calls.Parameters given = parameters;
    return scope -> {
      Object tested = value.eval(scope);
      return test.holds(tested, given.evaluate(name.text(), scope)) != isNegated;
    };
  }

  /** Whether a test's argument follows, without brackets. */
  private boolean beginsOperand() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !List.of("else", "or", "and", "is", "if", "not", "in").contains(token.text());
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }
}
