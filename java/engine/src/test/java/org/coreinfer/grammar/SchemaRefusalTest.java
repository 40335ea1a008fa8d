package org.coreinfer.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaRefusalTest {
  private static JsonSchemaException refusal(String schema) {
    return assertThrows(
        JsonSchemaException.class, () -> JsonGrammars.requireSupported(schema.replace('\'', '"')));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'not':{}} | | the keyword \"not\" is not supported",
        "{'properties':{'a/b~':{'multipleOf':2}}} | /properties/a~1b~0 | \"multipleOf\" is not",
        "{'items':{'uniqueItems':true}} | /items | \"uniqueItems\" is not supported",
        "{'items':[{'contains':{}}]} | /items/0 | \"contains\" is not supported",
        "{'$ref':'#/$defs/a','$defs':{'a':{'if':{}}}} | /$defs/a | \"if\" is not supported",
        "{'$ref':'http://x/y'} | | outside of the schema",
        "{'$ref':'#anchor'} | | names an anchor",
        "{'$ref':'#/$defs/none'} | | names nothing",
        "{'$ref':'#'} | | refers to itself without end",
        "{'allOf':[{'$ref':'#/allOf/0'}]} | /allOf/0 | refers to itself without end",
        "{'$ref':3} | | \"$ref\" holds what is no string",
        "{'type':'float'} | | the type \"float\" is none of JSON's",
        "{'type':['string',3]} | | \"type\" holds what is no string",
        "{'anyOf':[]} | | \"anyOf\" is an empty list",
        "{'anyOf':[{},3]} | /anyOf/1 | expected a schema",
        "{'oneOf':[{'type':'integer'},{'type':'number'}]} | | the branches 0 and 1",
        "{'oneOf':[{'type':'string'},{'properties':{}}]} | | may accept the same value",
        "{'minLength':-1} | | \"minLength\" is -1, expected a whole number",
        "{'maxItems':1.5} | | \"maxItems\" is 1.5",
        "{'minimum':'1'} | | \"minimum\" is no number",
        "{'maximum':1e999} | | \"maximum\" is too large",
        "{'exclusiveMinimum':true} | | \"exclusiveMinimum\" is no number",
        "{'format':'iri'} | | the format \"iri\" is not supported; expected date, ",
        "{'pattern':'^a','format':'date'} | | two of pattern and format",
        "{'pattern':'^a*$','maxLength':3} | | write the lengths into the pattern",
        "{'enum':[1,2],'minimum':3} | | none of its constants satisfies",
        "{'enum':3} | | \"enum\" is no list",
        "{'properties':3} | | \"properties\" is no object",
        "{'type':'string','minLength':3,'maxLength':2} | | no value satisfies it",
        "{'properties':{'a':{'$ref':'#'}},'required':['a']} | | no value satisfies it",
        "{'minItems':2000000} | | the grammar is too large",
        "false | | no value satisfies it",
        "[] | | expected a schema",
        "{'type' | | it is not JSON",
        "{type:'string'} | | it is not JSON"
      })
  void whatIsNotSupportedIsNamedWithItsPlace(String schema, String pointer, String part) {
    JsonSchemaException refusal = refusal(schema);
    assertEquals(pointer == null ? "" : pointer, refusal.pointer());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.contains(part), message);
    assertEquals(1, message.lines().count());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(?=a)", "(?!a)", "(?<=a)", "\\\\bx", "(a)\\\\1", "\\\\p{L}", "a{2", "a{3,2}", "(a", "a)",
        "[a", "[z-a]", "*", "a**", "x^", "a$b", "(a$)", "\\\\u12", "a{1000000}{1000000}", "\\\\"
      })
  void patternsThatAreNotSupportedAreRefused(String pattern) {
    String message = String.valueOf(refusal("{'pattern':'" + pattern + "'}").getMessage());
    boolean isAbout =
        message.contains("the pattern ") || message.contains("the grammar is too large");
    assertTrue(isAbout, message);
  }

  @Test
  void deepSchemasAreRefused() {
    String deep = "{'items':".repeat(5000) + "{}" + "}".repeat(5000);
    assertTrue(String.valueOf(refusal(deep).getMessage()).contains("it is not JSON"));
    JsonGrammars.requireSupported(
        ("{'items':".repeat(100) + "{}" + "}".repeat(100)).replace('\'', '"'));
  }
}
