package org.coreinfer.text;

import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.coreinfer.text.SplitPattern.Gpt2Split;
import org.coreinfer.text.SplitPattern.Llama3Split;
import org.jspecify.annotations.Nullable;

/**
 * Patterns of a tokenizer.json, which are written for Oniguruma. The well-known ones are
 * hand-written; others run in {@code java.util.regex} if they use only what means the same there:
 * literals, character classes without nesting, {@code \s \d}, general categories, look-ahead,
 * groups that no quantifier repeats, and simple quantifiers.
 */
final class OnigurumaPattern {
  private static final Map<String, SplitPattern> WELL_KNOWN =
      Map.of(
          Gpt2Split.PATTERN,
          SplitPattern.GPT_2,
          Llama3Split.pattern("\\p{N}{1,3}"),
          SplitPattern.LLAMA_3,
          Llama3Split.pattern("\\p{N}"),
          SplitPattern.QWEN_2);

  private OnigurumaPattern() {}

  /** The hand-written form of a pattern whose matches cover every text, or null. */
  static @Nullable SplitPattern wellKnown(String regex) {
    return WELL_KNOWN.get(regex);
  }

  /** The pattern for Java; null if its meaning might differ. */
  static @Nullable Pattern compile(String regex) {
    if (!new Check(regex).passes()) {
      return null;
    }
    try {
      return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);
    } catch (PatternSyntaxException differs) {
      return null;
    }
  }

  /** One pass over a pattern; {@code i} is the next character. */
  private static final class Check {
    private static final int LONGEST = 10_000;

    private final String regex;
    private int i;
    private int depth;

    Check(String regex) {
      this.regex = regex;
    }

    boolean passes() {
      if (regex.length() > LONGEST) {
        return false;
      }
      while (i < regex.length()) {
        char c = regex.charAt(i++);
        boolean known =
            switch (c) {
              case '\\' -> passesEscape();
              case '[' -> passesClass();
              case '(' -> passesGroupStart();
              case ')' -> depth-- > 0 && !repeats();
              case '{' -> passesCount();
              case '^', '$', '}', ']' -> false;
              default -> true;
            };
        if (!known) {
          return false;
        }
      }
      return depth == 0;
    }

    /** Letters after a backslash: only those with one meaning. */
    private boolean passesEscape() {
      if (i == regex.length()) {
        return false;
      }
      char c = regex.charAt(i++);
      if (c == 'p' || c == 'P') {
        return passesCategory();
      }
      boolean isAlphanumeric = (c >= '0' && c <= '9') || Character.isLetter(c);
      return !isAlphanumeric || "sSdDrnt".indexOf(c) >= 0;
    }

    /** {@code {L}} or {@code {Lu}}. */
    private boolean passesCategory() {
      int close = regex.indexOf('}', i);
      if (i == regex.length() || regex.charAt(i) != '{' || close < 0) {
        return false;
      }
      String name = regex.substring(i + 1, close);
      i = close + 1;
      return name.matches("[LMNPSZC][a-z]?");
    }

    private boolean passesClass() {
      if (i < regex.length() && regex.charAt(i) == '^') {
        i++;
      }
      for (boolean first = true; i < regex.length(); first = false) {
        char c = regex.charAt(i++);
        if (c == ']' && !first) {
          return true;
        }
        boolean known = c == '\\' ? passesEscape() : c != '[' && c != ']' && c != '&' && c != '^';
        if (!known) {
          return false;
        }
      }
      return false;
    }

    private boolean passesGroupStart() {
      depth++;
      if (i < regex.length() && regex.charAt(i) != '?') {
        return true;
      }
      for (String kind : new String[] {"?:", "?i:", "?=", "?!"}) {
        if (regex.startsWith(kind, i)) {
          i += kind.length();
          return true;
        }
      }
      return false;
    }

    /**
     * Whether the group that just ended may match again; its matches would nest as deep as the text
     * is long.
     */
    private boolean repeats() {
      return i < regex.length() && "*+{".indexOf(regex.charAt(i)) >= 0;
    }

    /** {@code {1,3}}, without a sign after it: those differ. */
    private boolean passesCount() {
      int close = regex.indexOf('}', i);
      if (close < 0 || !regex.substring(i, close).matches("[0-9]{1,4}(,[0-9]{0,4})?")) {
        return false;
      }
      i = close + 1;
      return i == regex.length() || "+?*{".indexOf(regex.charAt(i)) < 0;
    }
  }
}
