package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.coreinfer.chat.jinja.Statement.Flow;
import org.coreinfer.chat.jinja.Token.Kind;

/** Makes closures of a template. */
final class Parser {
  private static final Set<String> UNSUPPORTED =
      Set.of("autoescape", "block", "do", "extends", "from", "import", "include", "trans", "debug");

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private final LoopParser loops;
  private final MacroParser macros;

  private Parser(TokenStream tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
    this.loops = new LoopParser(this, tokens, expressions);
    this.macros = new MacroParser(this, tokens, expressions);
  }

  static Statement parse(String source) {
    Parser parser = new Parser(new TokenStream(Lexer.tokens(source)));
    Statement body = parser.body(Set.of());
    if (parser.tokens.current().kind() != Kind.END) {
      throw parser.tokens.unexpected("the end of the template");
    }
    return body;
  }

  /** The statements up to a tag with one of these names, whose name is the current token then. */
  Statement body(Set<String> ends) {
    tokens.enter();
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.kind() == Kind.END) {
        if (!ends.isEmpty()) {
          throw tokens.unexpected(
              "'" + String.join("' or '", ends.stream().sorted().toList()) + "'");
        }
        break;
      }
      tokens.next();
      if (token.kind() == Kind.DATA) {
        Text text = Text.trusted(token.text());
        statements.add((scope, out) -> write(text, scope, out));
      } else if (token.kind() == Kind.VARIABLE_BEGIN) {
        Expression value = expressions.parseTuple();
        tokens.expect(Kind.VARIABLE_END, "'}}'");
        statements.add(
            located(
                token.line(), (scope, out) -> write(Values.str(value.eval(scope)), scope, out)));
      } else {
        if (tokens.current().kind() == Kind.NAME && ends.contains(tokens.current().text())) {
          break;
        }
        statements.add(located(token.line(), statement()));
      }
    }
    tokens.exit();
    return sequence(statements);
  }

  private static Flow write(Text text, Scope scope, TextBuilder out) {
    scope.budget().make(text.length());
    out.append(text);
    return Flow.NEXT;
  }

  private static Statement located(int line, Statement statement) {
    return (scope, out) -> {
      try {
        scope.budget().step();
        return statement.run(scope, out);
      } catch (JinjaException e) {
        throw e.at(line);
      }
    };
  }

  private static Statement sequence(List<Statement> statements) {
    return (scope, out) -> {
      for (Statement statement : statements) {
        Flow flow = statement.run(scope, out);
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    };
  }

  void endTag() {
    tokens.expect(Kind.BLOCK_END, "'%}'");
  }

  /** The statements up to the one tag that ends them, which is read too. */
  Statement bodyUntil(String end) {
    Statement body = body(Set.of(end));
    tokens.expectName(end);
    endTag();
    return body;
  }

  /** The same, of statements that can't jump within the loops around them. */
  Statement outsideOfLoops(String end) {
    return loops.outsideOfLoops(() -> bodyUntil(end));
  }

  private Statement statement() {
    Token name = tokens.expect(Kind.NAME, "a statement");
    return switch (name.text()) {
      case "if" -> ifStatement();
      case "for" -> loops.parse();
      case "set" -> set();
      case "macro" -> macros.macro();
      case "call" -> macros.call();
      case "filter" -> filter();
      case "with" -> with();
      case "break" -> loops.jump(Flow.BREAK, name);
      case "continue" -> loops.jump(Flow.CONTINUE, name);
      case "generation" -> generation();
      default -> {
        String what =
            UNSUPPORTED.contains(name.text())
                ? "the statement '" + name.text() + "' is not supported"
                : "there is no statement '" + name.text() + "' here";
        throw new JinjaException(what, name.line());
      }
    };
  }

  /** After {@code if} or {@code elif}, up to and with {@code endif}. */
  private Statement ifStatement() {
    Expression condition = expressions.parseTuple();
    endTag();
    Statement then = body(Set.of("elif", "else", "endif"));
    String end = tokens.next().text();
    Statement otherwise = (scope, out) -> Flow.NEXT;
    if (end.equals("elif")) {
      tokens.enter();
      otherwise = ifStatement();
      tokens.exit();
    } else {
      endTag();
      if (end.equals("else")) {
        otherwise = bodyUntil("endif");
      }
    }
    Statement other = otherwise;
    return (scope, out) ->
        Values.isTrue(condition.eval(scope)) ? then.run(scope, out) : other.run(scope, out);
  }

  private Statement set() {
    Target target = Target.parse(tokens, true);
    if (tokens.skipOperator("=")) {
      Expression value = expressions.parseTuple();
      endTag();
      return (scope, out) -> {
        target.assign(value.eval(scope), scope);
        return Flow.NEXT;
      };
    }
    Captured captured = new Captured();
    Expression value =
        tokens.skipOperator("|") ? expressions.parseFiltersOf(captured::value) : captured::value;
    endTag();
    Statement body = bodyUntil("endset");
    return (scope, out) -> {
      Scope inner = scope.inner();
      inner.set(Captured.NAME, capture(body, inner));
      target.assign(value.eval(inner), scope);
      return Flow.NEXT;
    };
  }

  /** The text of a block, for the filters after it. */
  private static final class Captured {
    static final String NAME = "{captured}"; // no template can spell it

    Object value(Scope scope) {
      return scope.get(NAME);
    }
  }

  static Text capture(Statement body, Scope scope) {
    TextBuilder out = new TextBuilder();
    body.run(scope, out);
    return out.toText();
  }

  private Statement filter() {
    Captured captured = new Captured();
    Expression value = expressions.parseFiltersOf(captured::value);
    endTag();
    Statement body = bodyUntil("endfilter");
    return (scope, out) -> {
      Scope inner = scope.inner();
      inner.set(Captured.NAME, capture(body, inner));
      return write(Values.str(value.eval(inner)), scope, out);
    };
  }

  private Statement with() {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (tokens.current().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(Target.parse(tokens, false));
      tokens.expectOperator("=");
      values.add(expressions.parse());
    }
    endTag();
    Statement body = bodyUntil("endwith");
    return (scope, out) -> {
      Scope inner = scope.inner();
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(values.get(i).eval(scope), inner);
      }
      return body.run(inner, out);
    };
  }

  /** Transformers' mark of what the assistant said, for training; its text is as any other. */
  private Statement generation() {
    endTag();
    Statement body = outsideOfLoops("endgeneration");
    return (scope, out) -> body.run(scope.inner(), out);
  }
}
