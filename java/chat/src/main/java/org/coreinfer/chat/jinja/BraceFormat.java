package org.coreinfer.chat.jinja;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code str.format} with plain places: {@code {}}, {@code {0}} and {@code {name}}. */
final class BraceFormat {
  private static final Pattern PLACE = Pattern.compile("\\{\\{|\\}\\}|\\{([^{}]*)\\}|[{}]");
  private static final Pattern NAME = Pattern.compile("\\w*");

  private BraceFormat() {}

  static Text format(Text format, Arguments arguments, Budget budget) {
    Matcher matcher = PLACE.matcher(format.string());
    TextBuilder out = new TextBuilder();
    int done = 0;
    int next = 0;
    while (matcher.find()) {
      out.append(format, done, matcher.start());
      done = matcher.end();
      String place = matcher.group(1);
      if (place == null) {
        if (matcher.group().length() == 1) {
          throw new JinjaException("format: a single brace in " + Values.repr(format));
        }
        out.append(format, matcher.start(), matcher.start() + 1);
        continue;
      }
      if (!NAME.matcher(place).matches()) {
        throw new JinjaException("format: the place {" + place + "} is not supported");
      }
      Text value = Values.str(value(place, place.isEmpty() ? next++ : -1, arguments));
      budget.make(value.length());
      out.append(value);
    }
    budget.make(format.length());
    return out.append(format, done, format.length()).toText();
  }

  private static Object value(String place, int automatic, Arguments arguments) {
    boolean isNumber =
        !place.isEmpty() && place.chars().allMatch(Characters::isDigit) && place.length() < 6;
    int index = isNumber ? Integer.parseInt(place) : automatic;
    if (index >= 0 && index < arguments.positional().size()) {
      return arguments.positional().get(index);
    }
    Object named = arguments.named().get(place);
    if (named == null) {
      throw new JinjaException("format: nothing is given for {" + place + "}");
    }
    return named;
  }
}
