package org.coreinfer.chat.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileTemplateTest {
  private static final JinjaTemplate.Limits SMALL =
      new JinjaTemplate.Limits(1 << 20, Duration.ofMillis(500), 50);

  private static String render(String source) {
    return JinjaTemplate.parse(source).render(Map.of(), SMALL, Clock.systemUTC()).string();
  }

  private static JinjaException failure(String source) {
    return assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertThrows(JinjaException.class, () -> render(source)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'x' * 999999999 }}",
        "{{ ['x'] * 999999999 }}",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aaaa') %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | tojson %}{% endfor %}",
        "{% set ns = namespace(x=['a']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{{ 'a\\nb' | indent(2000000000) }}",
        "{{ '%2000000000d' % 1 }}",
        "{{ 'a'.ljust(2000000000) }}",
        "{{ [1] | tojson(indent=2000000000) }}",
        "{{ range(1000000000) }}",
        "{{ [1] | batch(2000000000, 0) }}",
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{% for i in range(90000) %}0123456789012345678901234567890{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(49) }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ 1 / 0 }}",
        "{{ 1 % 0 }}",
        "{{ ''.x.y }}",
        "{{ none + 1 }}",
        "{{ 'a' + 1 }}",
        "{{ nothing.attribute }}",
        "{{ nothing() }}",
        "{{ 1 | tojson(other=1) }}",
        "{{ nothing | tojson }}",
        "{{ range }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(9000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=['a'], y=['a']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace(x=['a'], y=['b']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.x, ns.y] %}{% endfor %}{{ ns.x < ns.y }}",
        "{% set ns = namespace(x=(1,)) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}"
      })
  void whatNeverEndsOrCannotBeEndsWithASentence(String source) {
    assertTrue(String.valueOf(failure(source).getMessage()).length() > 5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.class }}",
        "{{ ''.getClass }}",
        "{{ [].class.forName }}",
        "{{ messages.getClass() }}",
        "{{ {}.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ range.__globals__ }}",
        "{{ loop.recursion }}",
        "{{ self }}",
        "{{ this }}",
        "{{ ____int3rpr3t3r____ }}"
      })
  void noTemplateReachesJavaOrPython(String source) {
    String shown;
    try {
      shown = render(source);
    } catch (JinjaException e) {
      return; // as good: undefined values have no attributes
    }
    assertEquals("", shown);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ [].append(1) }}",
        "{{ {}.update({}) }}",
        "{% set x = [1] %}{{ x.pop() }}",
        "{{ {'a': 1}.clear() }}"
      })
  void valuesCannotBeChanged(String source) {
    assertTrue(
        String.valueOf(failure(source).getMessage()).contains("would change a value"), source);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '¦',
      quoteCharacter = '`',
      value = {
        "a\\n{% if x %} ¦ 2 ¦ expected 'elif' or 'else' or 'endif', found the end of the template",
        "{{ x | nofilter }} ¦ 1 ¦ the filter 'nofilter' is not supported",
        "\\n\\n{{ x is notest }} ¦ 3 ¦ the test 'notest' is not supported",
        "\\n{% include 'x' %} ¦ 2 ¦ the statement 'include' is not supported",
        "{% nothing %} ¦ 1 ¦ there is no statement 'nothing' here",
        "\\n{{ 'a }} ¦ 2 ¦ a string is not closed",
        "{# a ¦ 1 ¦ a comment is not closed",
        "{{ (1 } }} ¦ 1 ¦ unexpected '}'",
        "{{ }} ¦ 1 ¦ expected an expression, found '}}'",
        "{% break %} ¦ 1 ¦ 'break' stands outside of a loop",
        "{% endif %} ¦ 1 ¦ there is no statement 'endif' here",
        "\\n\\n\\n{{ raise_exception('no such role') }} ¦ 4 ¦ no such role",
        "\\n{% for i in [1] %}\\n{{ 1 + 'a' }}{% endfor %} ¦ 3 ¦ 'int' + 'str' has no meaning",
        "{{ x.y }} ¦ 1 ¦ 'x' is undefined",
        "{{ 'a'.encode() }} ¦ 1 ¦ the string method 'encode' is not supported",
        "{{ 1 is divisibleby }} ¦ 1 ¦ divisibleby: the argument 'num' is missing"
      })
  void aBrokenTemplateIsASentenceWithItsLine(String source, int line, String message) {
    JinjaException e = failure(source.replace("\\n", "\n"));
    assertEquals(message, e.getMessage());
    assertEquals(line, e.line());
  }

  @Test
  void deepNestingIsRefusedWithoutASmashedStack() {
    int depth = 50_000;
    assertTrue(failure("{{ " + "(".repeat(depth) + "1" + ")".repeat(depth) + " }}").line() > 0);
    assertTrue(failure("{{ " + "not ".repeat(depth) + "1 }}").line() > 0);
    assertTrue(failure("{{ " + "-".repeat(depth) + "1 }}").line() > 0);
    assertTrue(failure("{% if 1 %}".repeat(depth)).line() > 0);
    assertTrue(failure("{{ " + "[".repeat(depth)).line() > 0);
    assertTrue(failure("{% if 1 %}" + "{% elif 1 %}".repeat(depth) + "{% endif %}").line() > 0);
  }

  @Test
  void longChainsWorkOrEndWithASentence() {
    assertEquals("1001", render("{{ 1" + " + 1".repeat(1000) + " }}"));
    assertEquals("x", render("{{ 'x'" + " | trim".repeat(1000) + " }}"));
    assertTrue(failure("{{ 1" + " + 1".repeat(100_000) + " }}").getMessage() != null);
  }
}
