package org.coreinfer.chat.jinja;

/** Python's escapes in string literals; a backslash before anything else stays. */
final class StringEscapes {
  private static final String PLAIN = "\\'\"abfnrtv";
  private static final String MEANT = "\\'\"\u0007\b\f\n\r\t\u000b";

  private StringEscapes() {}

  static String unescape(String raw, int line) {
    if (raw.indexOf('\\') < 0) {
      return raw;
    }
    StringBuilder text = new StringBuilder(raw.length());
    int i = 0;
    while (i < raw.length()) {
      char c = raw.charAt(i++);
      if (c != '\\' || i == raw.length()) {
        text.append(c);
        continue;
      }
      char escape = raw.charAt(i++);
      int plain = PLAIN.indexOf(escape);
      if (plain >= 0) {
        text.append(MEANT.charAt(plain));
      } else if (escape == 'x' || escape == 'u' || escape == 'U') {
        int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
        text.appendCodePoint(number(raw, i, digits, 16, line));
        i += digits;
      } else if (escape >= '0' && escape <= '7') {
        int end = i;
        while (end < raw.length() && end < i + 2 && isOctal(raw.charAt(end))) {
          end++;
        }
        text.appendCodePoint(number(raw, i - 1, end - i + 1, 8, line));
        i = end;
      } else if (escape == 'N') {
        throw new JinjaException("\\N in a string is not supported: write the character", line);
      } else if (escape != '\n') {
        text.append('\\').append(escape);
      }
    }
    return text.toString();
  }

  private static boolean isOctal(char c) {
    return c >= '0' && c <= '7';
  }

  private static int number(String raw, int from, int digits, int radix, int line) {
    try {
      int value = Integer.parseUnsignedInt(raw.substring(from, from + digits), radix);
      if (Character.isValidCodePoint(value)) {
        return value;
      }
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw new JinjaException("a broken escape in a string", line);
    }
    throw new JinjaException("an escape in a string stands for no character", line);
  }
}
