package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.anyOf;
import static org.coreinfer.grammar.Expression.choice;
import static org.coreinfer.grammar.Expression.optional;
import static org.coreinfer.grammar.Expression.range;
import static org.coreinfer.grammar.Expression.sequence;
import static org.coreinfer.grammar.Expression.text;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.grammar.Expression.Call;
import org.coreinfer.grammar.Expression.Repeat;
import org.coreinfer.grammar.Expression.Rule;
import org.coreinfer.grammar.Expression.Symbol;

/**
 * The parts of JSON (RFC 8259), narrowed to what a reader expects of a program: blanks only where
 * people put them and never many, no number that a double can't hold, and no half of a surrogate
 * pair.
 */
final class JsonText {
  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().serializeNulls().create();
  private static final int MOST_INDENT = 20;
  private static final int MOST_DIGITS = 16;

  private static final Expression DIGIT = new Symbol(range('0', '9'));
  private static final Expression HEX = anyOf("0123456789abcdefABCDEF");

  /** No blank, one space, or a new line and its indentation. */
  static final Expression BLANK =
      call(
          "blank",
          choice(
              Expression.EMPTY,
              text(" "),
              sequence(text("\n"), new Repeat(new Symbol(anyOf(" \t")), 0, MOST_INDENT))));

  /** The characters that stand in a string as they are. */
  static final CodePoints UNESCAPED =
      CodePoints.ALL.without(0, 0x1f).without('"', '"').without('\\', '\\');

  /** One character of a string, as itself or escaped. */
  static final Expression CHARACTER =
      new Symbol(
          choice(
              UNESCAPED.utf8(),
              sequence(
                  text("\\"), choice(anyOf("\"\\/bfnrt"), sequence(text("u"), unicodeEscape())))));

  static final Expression STRING = call("string", string(0, Expression.UNLIMITED));

  static final Expression INTEGER =
      call(
          "integer",
          sequence(
              optional(text("-")),
              choice(text("0"), sequence(range('1', '9'), new Repeat(DIGIT, 0, MOST_DIGITS - 1)))));

  static final Expression NUMBER =
      call(
          "number",
          sequence(
              INTEGER,
              optional(sequence(text("."), new Repeat(DIGIT, 1, MOST_DIGITS))),
              optional(sequence(anyOf("eE"), optional(anyOf("+-")), new Repeat(DIGIT, 1, 2)))));

  static final Expression BOOLEAN = choice(text("true"), text("false"));
  static final Expression NULL = text("null");
  static final Expression VALUE;
  static final Expression ARRAY;
  static final Expression OBJECT;

  static {
    Rule value = new Rule("value");
    VALUE = new Call(value);
    ARRAY =
        call(
            "array",
            choice(
                sequence(text("["), BLANK, text("]")),
                sequence(
                    text("["),
                    BLANK,
                    VALUE,
                    new Repeat(sequence(text(","), BLANK, VALUE), 0, Expression.UNLIMITED),
                    BLANK,
                    text("]"))));
    Expression pair = sequence(STRING, text(":"), BLANK, VALUE);
    OBJECT =
        call(
            "object",
            choice(
                sequence(text("{"), BLANK, text("}")),
                sequence(
                    text("{"),
                    BLANK,
                    pair,
                    new Repeat(sequence(text(","), BLANK, pair), 0, Expression.UNLIMITED),
                    BLANK,
                    text("}"))));
    value.define(choice(OBJECT, ARRAY, STRING, NUMBER, BOOLEAN, NULL));
  }

  private JsonText() {}

  private static Expression call(String name, Expression body) {
    return new Call(new Rule(name, body));
  }

  /** A whole text: a value, perhaps after the space that some models begin words with. */
  static Rule document(Expression value) {
    return new Rule("document", sequence(optional(text(" ")), value));
  }

  /** A string of {@code min} to {@code max} characters. */
  static Expression string(int min, int max) {
    return quoted(new Repeat(CHARACTER, min, max));
  }

  /** A string of what is already escaped. */
  static Expression quoted(Expression content) {
    return sequence(text("\""), content, text("\""));
  }

  /** One value, written without blanks. */
  static Expression literal(JsonElement value) {
    return text(GSON.toJson(value));
  }

  /** The same as bytes. */
  static byte[] utf8(JsonElement value) {
    return GSON.toJson(value).getBytes(StandardCharsets.UTF_8);
  }

  /** Four hexadecimal digits of a character, or of both halves of a pair. */
  private static Expression unicodeEscape() {
    Expression surrogate = anyOf("dD");
    Expression one =
        choice(
            sequence(anyOf("0123456789abcefABCEF"), HEX, HEX, HEX),
            sequence(surrogate, range('0', '7'), HEX, HEX));
    Expression pair =
        sequence(
            surrogate,
            anyOf("89abAB"),
            HEX,
            HEX,
            text("\\u"),
            surrogate,
            anyOf("cdefCDEF"),
            HEX,
            HEX);
    return choice(one, pair);
  }

  /** A code point as it stands in a string: escaped only where that must be. */
  static Expression escaped(CodePoints points) {
    List<Expression> options = new ArrayList<>();
    options.add(points.and(UNESCAPED).utf8());
    for (int point : new int[] {'"', '\\'}) {
      if (points.contains(point)) {
        options.add(text("\\" + (char) point));
      }
    }
    for (int point = 0; point < 0x20; point++) {
      if (points.contains(point)) {
        String quoted = GSON.toJson(String.valueOf((char) point));
        options.add(text(quoted.substring(1, quoted.length() - 1)));
      }
    }
    return new Symbol(new Expression.Choice(options));
  }
}
