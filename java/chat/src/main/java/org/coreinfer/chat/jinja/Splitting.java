package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The methods of Python's {@code str} that cut it. */
final class Splitting {
  private Splitting() {}

  static List<Object> split(Text self, Arguments arguments, Budget budget) {
    arguments.only("sep", "maxsplit");
    Object separator = arguments.get(0, "sep", None.NONE);
    int most = most(arguments);
    budget.make(self.length());
    if (separator == None.NONE) {
      return words(self, most);
    }
    String cut = separator(separator);
    List<Object> parts = new ArrayList<>();
    int start = 0;
    int at = self.string().indexOf(cut);
    while (at >= 0 && parts.size() < most) {
      parts.add(self.slice(start, at));
      start = at + cut.length();
      at = self.string().indexOf(cut, start);
    }
    parts.add(self.slice(start, self.length()));
    return parts;
  }

  static List<Object> splitFromEnd(Text self, Arguments arguments, Budget budget) {
    arguments.only("sep", "maxsplit");
    Object separator = arguments.get(0, "sep", None.NONE);
    int most = most(arguments);
    if (separator == None.NONE) {
      if (most != Integer.MAX_VALUE) {
        throw new JinjaException("rsplit at spaces with maxsplit is not supported");
      }
      return split(self, arguments, budget);
    }
    budget.make(self.length());
    String cut = separator(separator);
    List<Object> parts = new ArrayList<>();
    int end = self.length();
    int at = self.string().lastIndexOf(cut, end - cut.length());
    while (at >= 0 && parts.size() < most) {
      parts.add(self.slice(at + cut.length(), end));
      end = at;
      at = end < cut.length() ? -1 : self.string().lastIndexOf(cut, end - cut.length());
    }
    parts.add(self.slice(0, end));
    Collections.reverse(parts);
    return parts;
  }

  private static int most(Arguments arguments) {
    int most = arguments.integer(1, "maxsplit", -1);
    return most < 0 ? Integer.MAX_VALUE : most;
  }

  private static String separator(Object separator) {
    String cut = Values.requireText(separator, "split's separator").string();
    if (cut.isEmpty()) {
      throw new JinjaException("split: the separator is empty");
    }
    return cut;
  }

  private static List<Object> words(Text self, int most) {
    String string = self.string();
    List<Object> words = new ArrayList<>();
    int at = skip(string, 0, true);
    while (at < string.length()) {
      if (words.size() == most) {
        words.add(TextMethods.strip(self.slice(at, string.length()), None.NONE, false, true));
        break;
      }
      int end = skip(string, at, false);
      words.add(self.slice(at, end));
      at = skip(string, end, true);
    }
    return words;
  }

  private static int skip(String string, int from, boolean spaces) {
    int at = from;
    while (at < string.length() && Characters.isSpace(string.charAt(at)) == spaces) {
      at++;
    }
    return at;
  }

  static List<Object> lines(Text self, Arguments arguments, Budget budget) {
    boolean keepsEnds = arguments.only("keepends").flag(0, "keepends", false);
    budget.make(self.length());
    return lines(self, keepsEnds);
  }

  static List<Object> lines(Text self, boolean keepsEnds) {
    String string = self.string();
    List<Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < string.length(); i++) {
      if (Characters.isLineBreak(string.charAt(i))) {
        int next = string.startsWith("\r\n", i) ? i + 2 : i + 1;
        lines.add(self.slice(start, keepsEnds ? next : i));
        start = next;
        i = next - 1;
      }
    }
    if (start < string.length()) {
      lines.add(self.slice(start, string.length()));
    }
    return lines;
  }

  static Tuple partition(Text self, Arguments arguments, boolean last) {
    String cut = separator(arguments.only("sep").get(0, "sep"));
    int at = last ? self.string().lastIndexOf(cut) : self.string().indexOf(cut);
    if (at < 0) {
      return last ? Tuple.of(Text.EMPTY, Text.EMPTY, self) : Tuple.of(self, Text.EMPTY, Text.EMPTY);
    }
    int end = at + cut.length();
    return Tuple.of(self.slice(0, at), self.slice(at, end), self.slice(end, self.length()));
  }
}
