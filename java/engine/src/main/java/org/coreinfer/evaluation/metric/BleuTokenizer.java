package org.coreinfer.evaluation.metric;

import java.util.List;
import java.util.regex.Pattern;

/**
 * The tokenizer {@code 13a} of mteval-v13a, sacreBLEU's default: symbols are words of their own,
 * and so are full stops and commas unless between digits, and dashes after a digit.
 */
final class BleuTokenizer {
  /** ASCII symbols except apostrophe, comma, dash and full stop. */
  private static final Pattern SYMBOL = Pattern.compile("[!-&(-+/:-@\\[-`{-~]");

  private static final Pattern STOP_AFTER_NON_DIGIT = Pattern.compile("([^0-9])([.,])");
  private static final Pattern STOP_BEFORE_NON_DIGIT = Pattern.compile("([.,])([^0-9])");
  private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");

  private BleuTokenizer() {}

  static List<String> words(String text) {
    String line = " " + unescaped(text.stripTrailing()) + " ";
    line = SYMBOL.matcher(line).replaceAll(" $0 ");
    line = STOP_AFTER_NON_DIGIT.matcher(line).replaceAll("$1 $2 ");
    line = STOP_BEFORE_NON_DIGIT.matcher(line).replaceAll(" $1 $2");
    line = DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
    return Words.split(line);
  }

  private static String unescaped(String text) {
    return text.replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', ' ')
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
  }
}
