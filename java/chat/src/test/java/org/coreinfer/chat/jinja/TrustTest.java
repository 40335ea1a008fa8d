package org.coreinfer.chat.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Clock;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which characters of a rendered text are the template's: the others show as underscores. */
class TrustTest {
  private static final String SHARED_WORD = "aBc";

  @ParameterizedTest
  @CsvSource(
      delimiter = '¦',
      quoteCharacter = '"',
      value = {
        "<{{ x }}> ¦ <___>",
        "{{ '<' + x + '>' }} ¦ <___>",
        "{{ '<' ~ x ~ '>' }} ¦ <___>",
        "{{ ('<' + x + '>')[1:] }} ¦ ___>",
        "{{ ('<' + x + '>')[::-1] }} ¦ >___<",
        "{{ (' <' + x + '> ').strip() }} ¦ <___>",
        "{{ (' <' + x) | trim }} ¦ <___",
        "{{ ('a,' + x + ',b').split(',') | join('+') }} ¦ a+___+b",
        "{{ ['<', x, '>'] | join }} ¦ <___>",
        "{{ '-'.join([x, x]) }} ¦ ___-___",
        "{{ ('<' + x + '>').replace('<', x) }} ¦ ______>",
        "{{ x.replace('B', '<>') }} ¦ _<>_",
        "{{ ('<' + x).upper() }} ¦ <___",
        "{{ ('<' + x) | lower }} ¦ <___",
        "{{ x | length }} ¦ 3",
        "{{ {'k': x} | tojson }} ¦ {'k': '___'}",
        "{{ {x: 1} | tojson }} ¦ {'___': 1}",
        "{{ [x] }} ¦ ['___']",
        "{{ '<%s>' | format(x) }} ¦ <___>",
        "{{ '<%5s>' % x }} ¦ <  ___>",
        "{{ '<{}>'.format(x) }} ¦ <___>",
        "{{ ('a\\n' + x) | indent(2) }} ¦ a{NL}  ___",
        "{{ x | e }} ¦ ___",
        "{% set y %}<{{ x }}>{% endset %}{{ y }} ¦ <___>",
        "{% filter upper %}<{{ x }}{% endfilter %} ¦ <___",
        "{% macro m(t) %}<{{ t }}>{% endmacro %}{{ m(x) }} ¦ <___>",
        "{% set ns = namespace(t='<') %}{% set ns.t = ns.t + x %}{{ ns.t }} ¦ <___",
        "{{ x if x else '<' }} ¦ ___",
        "{{ nothing | default(x) }} ¦ ___",
        "{% for c in '<' + x %}{{ c }}{% endfor %} ¦ <___",
        "{{ ('<' + x)[0] + ('<' + x)[1] }} ¦ <_",
        "{{ ('<' + x) | truncate(3, true, '..', 0) }} ¦ <..",
        "{{ ('<' + x).removeprefix('<') }} ¦ ___",
        "{{ ['<', x] | sort | last }} ¦ ___",
        "{{ ['<', x] | map('trim') | join }} ¦ <___",
        "{{ (x ~ '<') | reverse }} ¦ <___"
      })
  void followsEachCharacter(String source, String expected) {
    Text text =
        JinjaTemplate.parse(source.replace("\\n", "\n"))
            .render(
                Map.of("x", Text.foreign(SHARED_WORD)),
                JinjaTemplate.Limits.DEFAULT,
                Clock.systemUTC());
    StringBuilder shown = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      shown.append(text.isTrusted(i, i + 1) ? text.string().charAt(i) : '_');
    }
    assertEquals(
        expected.replace("{NL}", "\n").replace('\'', '"'), shown.toString().replace('\'', '"'));
  }
}
