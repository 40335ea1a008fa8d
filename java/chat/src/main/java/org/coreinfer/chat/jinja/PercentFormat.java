package org.coreinfer.chat.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code %} between a string and values, for strings, integers and floats. */
final class PercentFormat {
  private static final Pattern PLACE =
      Pattern.compile("%(?:\\((\\w+)\\))?([-0+ ]*)(\\d{0,4})(?:\\.(\\d{1,3}))?([a-zA-Z%])");

  private PercentFormat() {}

  static Text format(Text format, Object values, Budget budget) {
    List<?> list = values instanceof Tuple tuple ? tuple : List.of(values);
    Matcher matcher = PLACE.matcher(format.string());
    TextBuilder out = new TextBuilder();
    int done = 0;
    int next = 0;
    int from = 0;
    while (true) {
      int percent = format.string().indexOf('%', from);
      if (percent < 0) {
        break;
      }
      if (!matcher.find(percent) || matcher.start() != percent) {
        throw new JinjaException("a broken place in the format " + Values.repr(format));
      }
      out.append(format, done, percent);
      done = matcher.end();
      from = done;
      if (matcher.group(5).equals("%")) {
        out.append("%");
        continue;
      }
      Object value;
      if (matcher.group(1) != null) {
        Object key = Text.trusted(matcher.group(1));
        Object found = Values.requireMap(values, "what % formats").get(key);
        if (found == null) {
          throw new JinjaException("the format's value " + key + " is missing");
        }
        value = found;
      } else if (next < list.size()) {
        value = list.get(next++);
      } else {
        throw new JinjaException("the format " + Values.repr(format) + " has too few values");
      }
      Text shown = padded(place(matcher, value), matcher);
      budget.make(shown.length());
      out.append(shown);
    }
    if (next < list.size() && !(values instanceof Map)) {
      throw new JinjaException("the format " + Values.repr(format) + " has too many values");
    }
    out.append(format, done, format.length());
    budget.make(out.length());
    return out.toText();
  }

  private static Text place(Matcher place, Object value) {
    String precision = place.group(4);
    String kind = place.group(5);
    return switch (kind) {
      case "s", "r" -> {
        Text text = kind.equals("s") ? Values.str(value) : Values.repr(value);
        int length = text.codePoints();
        int most = precision == null ? length : Integer.parseInt(precision);
        yield text.slice(0, text.offset(Math.min(most, length)));
      }
      case "d", "i" -> {
        requireNumber(value);
        Object whole =
            value instanceof Double number ? (Object) number.longValue() : Numbers.plus(value);
        yield signed(Values.str(whole).string(), place);
      }
      case "f" -> {
        requireNumber(value);
        int digits = precision == null ? 6 : Integer.parseInt(precision);
        yield signed(
            String.format(Locale.ROOT, "%." + digits + "f", Numbers.toDouble(value)), place);
      }
      default -> throw new JinjaException("the format %" + kind + " is not supported");
    };
  }

  private static void requireNumber(Object value) {
    if (!Values.isNumber(value)) {
      Values.requireDefined(value);
      throw new JinjaException("a format wants a number, found '" + Values.type(value) + "'");
    }
  }

  private static Text signed(String number, Matcher place) {
    String flags = place.group(2);
    boolean isNegative = number.startsWith("-");
    String sign = isNegative ? "-" : flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
    String digits = isNegative ? number.substring(1) : number;
    int width = place.group(3).isEmpty() ? 0 : Integer.parseInt(place.group(3));
    int missing = width - sign.length() - digits.length();
    boolean hasZeros = flags.contains("0") && !flags.contains("-") && missing > 0;
    return Text.trusted(sign + (hasZeros ? "0".repeat(missing) : "") + digits);
  }

  private static Text padded(Text shown, Matcher place) {
    int width = place.group(3).isEmpty() ? 0 : Integer.parseInt(place.group(3));
    int missing = width - shown.codePoints();
    if (missing <= 0) {
      return shown;
    }
    Text spaces = Text.trusted(" ".repeat(missing));
    return place.group(2).contains("-") ? shown.plus(spaces) : spaces.plus(shown);
  }
}
