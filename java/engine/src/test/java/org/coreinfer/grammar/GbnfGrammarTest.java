package org.coreinfer.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GbnfGrammarTest {
  private static final String JSON =
      """
      # A JSON text
      root   ::= ws value
      value  ::= object | array | string | number | ("true" | "false" | "null") ws
      object ::= "{" ws ( member ("," ws member)* )? "}" ws
      member ::= string ":" ws value
      array  ::= "[" ws ( value ("," ws value)* )? "]" ws
      string ::= "\\"" ( [^"\\\\\\x00-\\x1f] | "\\\\" ( ["\\\\/bfnrt] | "u" [0-9a-fA-F]{4} ) )* "\\"" ws
      number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
      ws     ::= ([ \\t\\n\\r] ws)?
      """;

  private static final String ARITHMETIC =
      """
      root ::= sum "=" number
      sum ::= product ([-+] product)*
      product ::= factor (
          "*" factor   # either
        | "/" factor
      )*
      factor ::= number | "(" sum ")" | "-" factor
      number ::= [0-9]{1,4} ("." [0-9]{2})?
      """;

  private static final String LIST =
      """
      root ::=
        item{2,} |
        "nothing"
      item ::= "- " [A-Z\\u00c4-\\u00dc] [a-zäöü ]{0,20} "\\n"
      """;

  private static final String CHESS =
      """
      root ::= "1. " move " " move "\\n" ([1-9] [0-9]? ". " move " " move "\\n")*
      move ::= (pawn | piece | castle) [+#]?
      piece ::= [NBKQR] [a-h]?[1-8]? "x"? square
      pawn ::= ([a-h] "x")? square ("=" [NBQR])?
      square ::= [a-h] [1-8]
      castle ::= "O-O" "-O"?
      """;

  /** Whether a grammar takes a whole text. */
  private static boolean takes(String grammar, String text) {
    Automaton automaton = new Automaton(new Network(GbnfRules.of(grammar), ByteSet.ALL));
    State state = automaton.start();
    for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
      state = automaton.next(state, each & 0xff);
    }
    return state.mayEnd();
  }

  private static void check(String grammar, List<String> accepted, List<String> refused) {
    accepted.forEach(text -> assertTrue(takes(grammar, text), "should be taken: " + text));
    refused.forEach(text -> assertTrue(!takes(grammar, text), "should be refused: " + text));
  }

  @Test
  void followsJson() {
    check(
        JSON,
        List.of(
            "{}",
            " [1, -2.5e+7, [ [ ] ], {\"a\": {\"b\": null}}]\n",
            "\"gr\u00fc\u00df \\u00e4 \\n \ud83d\ude00\"",
            "[".repeat(300) + "]".repeat(300)),
        List.of("", "{", "[1,]", "01", "{\"a\" 1}", "\"a\nb\"", "\"\\x\"", "nul", "{} {}"));
  }

  @Test
  void followsArithmetic() {
    check(
        ARITHMETIC,
        List.of("1=1", "2*(3+4)-10/5=12", "-(-(7))=7.00", "((((1))))=1", "9999*2=19"),
        List.of("1", "1+=2", "(1=1", "1)=1", "10000=1", "1.5=1", "2**3=8"));
  }

  @Test
  void followsAList() {
    check(
        LIST,
        List.of("- Milk\n- \u00c4pfel\n", "- A\n- B\n- Caf\n", "nothing"),
        List.of(
            "- Milk\n",
            "- milk\n- Eggs\n",
            "nothing\n",
            "- Milk\n- Eggs",
            "- \u00c9t\u00e9\n- B\n"));
  }

  @Test
  void followsChessNotation() {
    check(
        CHESS,
        List.of("1. e4 e5\n", "1. e4 c5\n2. Nf3 d6\n10. O-O-O Qxd4+\n11. exd8=Q# Kf7\n"),
        List.of("1. e4\n", "2. e4 e5\n", "1. e9 e5\n", "1. O-O-O-O e5\n", "1. Pe4 e5\n"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "root ::= .{3} ~ aß😀 ~ ab",
        "root ::= [^a-c\\]-]+ ~ xyz ~ x-",
        "root ::= [\\x41\\u0042\\U0001F600]* ~ AB😀A ~ ABC",
        "root ::= \"a\" | ~ a ~ b",
        "root ::= \"\\x41\\u00e4\\\"\" ~ Aä\" ~ Aä",
        "root ::= (\"a\" | \"b\"){2,3} ~ aba ~ abab",
        "root ::= \"a\"{,2} \"b\" ~ aab ~ aaab",
        "root ::= \"a\"{2} ~ aa ~ aaa",
        "root ::= \"a\" root \"b\" | \"c\" ~ aacbb ~ aacb",
        "root ::= (\"a\"?)* \"b\" ~ aaab ~ aaa",
        "root ::= [a-] [-a] ~ -- ~ b-",
      })
  void followsEachPart(String grammar, String accepted, String refused) {
    assertTrue(takes(grammar, accepted), accepted);
    assertTrue(!takes(grammar, refused), refused);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "`` ~ 1 ~ 1 ~ there is no rule root",
        "other ::= \"a\" ~ 1 ~ 1 ~ there is no rule root",
        "root ::= a/a ::= b ~ 2 ~ 7 ~ there is no rule b",
        "root ::= \"a\"/root ::= \"b\" ~ 2 ~ 1 ~ defined twice",
        "root = \"a\" ~ 1 ~ 6 ~ expected ::= after the rule's name, found =",
        "\"a\" ~ 1 ~ 1 ~ expected a rule's name, found \"",
        "root ::= \"a ~ 1 ~ 10 ~ a text without its second quote",
        "root ::= [a-z ~ 1 ~ 10 ~ a class without its ]",
        "root ::= [z-a] ~ 1 ~ 11 ~ the range ends before it begins",
        "root ::= [] ~ 1 ~ 10 ~ a class of no character",
        "root ::= (\"a\" ~ 1 ~ 10 ~ a ( without a )",
        "root ::= \"a\") ~ 1 ~ 13 ~ a ) without a (",
        "root ::= * ~ 1 ~ 10 ~ nothing stands before *",
        "root ::= \"a\"{3,2} ~ 1 ~ 13 ~ at most 2",
        "root ::= \"a\"{x} ~ 1 ~ 14 ~ expected a count",
        "root ::= \"a\"{2 ~ 1 ~ 15 ~ expected }",
        "root ::= \"a\"{1234567} ~ 1 ~ 14 ~ a count of more than 6 digits",
        "root ::= \"\\q\" ~ 1 ~ 11 ~ an unknown escape",
        "root ::= \"\\xg0\" ~ 1 ~ 13 ~ expected 2 hexadecimal digits",
        "root ::= \"\\ud800\" ~ 1 ~ 11 ~ no Unicode character",
        "root ::= <think> ~ 1 ~ 10 ~ single tokens",
        "root ::= \"a\" ; ~ 1 ~ 14 ~ found ;",
        "root ::= root \"+\" | \"a\" ~ 1 ~ 1 ~ the rule root begins with itself",
        "root ::= b?/b ::= c* \"x\"/c ::= \" \"* b ~ 2 ~ 1 ~ begins with itself",
        "root ::= \"a\" root ~ 1 ~ 1 ~ no text of the rule root ever ends",
      })
  void brokenGrammarsAreOneSentenceWithItsPlace(
      String grammar, int line, int column, String problem) {
    String source = grammar.replace("/", "\n");
    GbnfException e = assertThrows(GbnfException.class, () -> GbnfGrammar.requireValid(source));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(problem), message);
    assertEquals(line + ":" + column, e.line() + ":" + e.column(), message);
    assertTrue(message.startsWith("grammar, line " + line + ", column " + column + ": "), message);
  }

  @Test
  void grammarsThatAreTooLargeAreRefused() {
    String deep = "(".repeat(200) + "\"a\"" + ")".repeat(200);
    assertThrows(GbnfException.class, () -> GbnfGrammar.requireValid("root ::= " + deep));
    String many = "root ::= ((\"ab\" | \"cd\"){999999} \"x\"){999999}";
    assertThrows(IllegalArgumentException.class, () -> GbnfGrammar.requireValid(many));
    StringBuilder rules = new StringBuilder("root ::= r0\n");
    for (int i = 0; i < 3000; i++) {
      rules.append("r" + i + " ::= \"a\" | r" + (i + 1) + "\n");
    }
    assertThrows(GbnfException.class, () -> GbnfGrammar.requireValid(rules.toString()));
  }

  @Test
  void textsThatMayBeAtVeryManyPlacesEndWithASentence() {
    String ambiguous =
        "root ::= (a | b)* \"!\"\na ::= \"x\" (a | b)? \"1\"?\nb ::= \"x\" (a | b)? \"2\"?";
    assertThrows(CoreInferException.class, () -> takes(ambiguous, "x".repeat(1000)));
  }
}
