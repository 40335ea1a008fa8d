package org.coreinfer.grammar;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import com.google.gson.JsonObject;
import java.util.stream.Stream;
import org.coreinfer.text.Tokenizer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever a model draws from what a grammar allows is valid. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SchemaAnswersTest {
  private static final int ANSWERS = 6; // to each schema

  private Tokenizer tokenizer;
  private JsonGrammars grammars;
  private RandomAnswers answers;

  @BeforeAll
  void open() {
    tokenizer = TestTokenizers.LLAMA_2.load();
    grammars = new JsonGrammars(tokenizer);
    answers = new RandomAnswers(tokenizer, 7);
  }

  @ParameterizedTest
  @EnumSource
  void anyAnswerIsJson(TestTokenizers kind) {
    Tokenizer other = kind.load();
    JsonGrammars own = new JsonGrammars(other);
    RandomAnswers texts = new RandomAnswers(other, 1);
    for (int i = 0; i < 3; i++) {
      SchemaOracle.parse(texts.next(own.anyJson()));
      assertInstanceOf(JsonObject.class, SchemaOracle.parse(texts.next(own.anyObject())));
    }
  }

  static Stream<String> schemas() {
    return Stream.of(
            "{}",
            "true",
            "{'type':['string','null']}",
            "{'enum':['a','b\\n\\u00e9',1,2.5,null,{'k':[1,'}']}]}",
            "{'const':{'a':['b']}}",
            "{'type':'string','enum':['a',1,'bb']}",
            "{'enum':['a','abc','abcdef'],'minLength':3,'maxLength':5}",
            "{'type':'string','minLength':2,'maxLength':5}",
            "{'type':'string','minLength':40}",
            "{'type':'string','pattern':'^[A-Z]{2,3}-\\\\d+(\\\\.[^a-z,]|é)?$'}",
            "{'type':'string','pattern':'b|^c$'}",
            "{'type':'string','pattern':'^(?:\\\\w+\\\\s){2}\\\\S.[\\\\s\\\\\\\\]*$'}",
            "{'type':'string','pattern':'^a{2,4}$','minLength':2,'maxLength':4}",
            "{'type':'string','format':'date'}",
            "{'type':'string','format':'time'}",
            "{'type':'string','format':'date-time'}",
            "{'type':'string','format':'duration'}",
            "{'type':'string','format':'uuid'}",
            "{'type':'string','format':'ipv4'}",
            "{'type':'string','format':'ipv6'}",
            "{'type':'string','format':'hostname'}",
            "{'type':'string','format':'uri'}",
            "{'type':'integer'}",
            "{'type':'integer','minimum':-3,'maximum':12}",
            "{'type':'integer','minimum':17,'exclusiveMaximum':4211}",
            "{'type':'integer','exclusiveMinimum':-1200.5,'maximum':-7}",
            "{'type':'integer','minimum':999}",
            "{'type':'integer','maximum':0}",
            "{'type':'number'}",
            "{'type':'number','minimum':0,'maximum':1}",
            "{'type':'number','exclusiveMinimum':0,'exclusiveMaximum':1}",
            "{'type':'number','minimum':-2.5,'maximum':12.125}",
            "{'type':'number','exclusiveMinimum':1.25,'maximum':1.2604}",
            "{'type':'number','maximum':-0.001,'exclusiveMinimum':-3}",
            "{'type':'number','exclusiveMinimum':9.99}",
            "{'type':'array','items':{'type':'integer'},'minItems':2,'maxItems':3}",
            "{'type':'array','items':{'type':'boolean'},'maxItems':0}",
            "{'type':'array','prefixItems':[{'const':1},{'type':'string'}],'items':false}",
            "{'type':'array','prefixItems':[{'const':1},{'const':2}],'minItems':1,"
                + "'items':{'type':'null'},'maxItems':4}",
            "{'type':'array'}",
            "{'type':'object'}",
            "{'type':'object','additionalProperties':{'type':'integer'}}",
            "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'boolean'},"
                + "'c':{'type':'null'}},'required':['b']}",
            "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'boolean'}}}",
            "{'type':'object','properties':{'a':{'type':'integer'},'ab':{'type':'integer'},"
                + "'é\\\"':{'type':'integer'}},'required':['ab','z'],"
                + "'additionalProperties':{'type':'boolean'}}",
            "{'properties':{'a':{'const':1}},'required':['a'],'additionalProperties':false}",
            "{'anyOf':[{'type':'integer'},{'type':'array','items':{'type':'integer'}}]}",
            "{'oneOf':[{'type':'object','properties':{'kind':{'const':'a'},'x':{'type':'null'}},"
                + "'required':['kind','x']},{'type':'object','properties':{'kind':{'enum':['b','c']}},"
                + "'required':['kind']}]}",
            "{'type':'object','properties':{'p':{'type':'integer'}},'required':['p'],"
                + "'anyOf':[{'properties':{'q':{'type':'null'}},'required':['q']},"
                + "{'properties':{'p':{'minimum':5,'maximum':7}}}]}",
            "{'allOf':[{'$ref':'#/$defs/a'},{'properties':{'y':{'maximum':3}},'required':['y']}],"
                + "'$defs':{'a':{'type':'object','properties':{'x':{'type':'null'},"
                + "'y':{'type':'integer','minimum':-3}}}}}",
            "{'allOf':[{'type':['string','integer','null']},{'type':['number','null']}]}",
            "{'$ref':'#/$defs/tree','$defs':{'tree':{'type':'object','properties':{"
                + "'value':{'type':'integer'},'left':{'$ref':'#/$defs/tree'},"
                + "'right':{'anyOf':[{'$ref':'#/$defs/tree'},{'type':'null'}]}},"
                + "'required':['value','right'],'additionalProperties':false}}}",
            "{'type':'array','items':{'$ref':'#'}}",
            "{'definitions':{'a/b~c':{'type':'boolean'}},'$ref':'#/definitions/a~1b~0c'}",
            "{'$defs':{'list':{'anyOf':[{'type':'null'},{'type':'object','properties':{"
                + "'head':{'type':'boolean'},'tail':{'$ref':'#/$defs/list'}},"
                + "'required':['head','tail']}]}},'$ref':'#/$defs/list'}")
        .map(schema -> schema.replace('\'', '"'));
  }

  @ParameterizedTest
  @MethodSource("schemas")
  void anyAnswerSatisfiesTheSchema(String schema) {
    JsonGrammar grammar = grammars.ofSchema(schema);
    SchemaOracle oracle = new SchemaOracle(schema);
    for (int i = 0; i < ANSWERS; i++) {
      oracle.requireValid(answers.next(grammar));
    }
  }

  @Test
  void anyAnswerIsAnEmailAddress() {
    String schema = "{\"type\":\"string\",\"format\":\"email\"}";
    SchemaOracle oracle = new SchemaOracle(schema);
    for (int i = 0; i < ANSWERS; i++) {
      // The validator has a list of the top-level domains that there are.
      oracle.requireValid(
          answers.next(grammars.ofSchema(schema)).replaceFirst("\\.[a-zA-Z]+\"$", ".org\""));
    }
  }

  @Test
  void nullableAllowsNull() {
    String schema = "{\"type\":\"string\",\"nullable\":true,\"description\":\"OpenAPI's\"}";
    SchemaOracle oracle = new SchemaOracle("{\"type\":[\"string\",\"null\"]}");
    for (int i = 0; i < ANSWERS; i++) {
      oracle.requireValid(answers.next(grammars.ofSchema(schema)));
    }
    grammars.ofSchema(schema).get().accept(tokenizer.idOf("null").orElseThrow());
  }
}
