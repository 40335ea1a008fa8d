package org.coreinfer.evaluation.metric;

import java.util.List;
import java.util.regex.Pattern;

/** Words between white space of any kind that Unicode knows. */
final class Words {
  private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private Words() {}

  static List<String> split(String text) {
    return SPACE.splitAsStream(text).filter(word -> !word.isEmpty()).toList();
  }
}
