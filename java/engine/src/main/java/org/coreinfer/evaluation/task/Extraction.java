package org.coreinfer.evaluation.task;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The part of an answer that counts. */
final class Extraction {
  private static final Pattern LETTER = Pattern.compile("\\b[A-Z]\\b");
  private static final Pattern NUMBER = Pattern.compile("-?\\d[\\d,]*(?:\\.\\d+)?");

  private Extraction() {}

  /** The first capital that stands alone. */
  static String letter(String text) {
    Matcher letter = LETTER.matcher(text);
    return letter.find() ? letter.group() : "";
  }

  /** The last number, without separators of thousands and without zeros that say nothing. */
  static String lastNumber(String text) {
    String last = "";
    Matcher number = NUMBER.matcher(text);
    while (number.find()) {
      last = number.group().replace(",", "");
    }
    return last.isEmpty() ? "" : new BigDecimal(last).stripTrailingZeros().toPlainString();
  }
}
