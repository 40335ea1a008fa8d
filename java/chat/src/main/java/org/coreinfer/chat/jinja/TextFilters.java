package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The filters that change text in ways that Python's strings don't. */
final class TextFilters {
  private static final Pattern WORD_START = Pattern.compile("([-\\s({\\[<]+)");
  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

  private TextFilters() {}

  /** The arguments as text, as filters take them. */
  static Arguments asText(Arguments arguments) {
    List<Object> positional = new ArrayList<>(arguments.positional());
    for (int i = 0; i < Math.min(2, positional.size()); i++) {
      positional.set(i, Values.str(positional.get(i)));
    }
    return new Arguments(arguments.callee(), positional, arguments.named());
  }

  static Text indent(Text text, Arguments arguments, Budget budget) {
    arguments.only("width", "first", "blank");
    Object width = arguments.get(0, "width", 4L);
    Text space;
    if (width instanceof Text given) {
      space = given;
    } else {
      int spaces = Math.max(0, Values.requireInt(width, "indent's width"));
      budget.make(spaces);
      space = Text.trusted(" ".repeat(spaces));
    }
    boolean isFirst = arguments.flag(1, "first", false);
    boolean isBlank = arguments.flag(2, "blank", false);
    List<Object> lines = Splitting.lines(text.plus(Text.trusted("\n")), false);
    TextBuilder out = new TextBuilder();
    for (int i = 0; i < lines.size(); i++) {
      Text line = (Text) lines.get(i);
      budget.make((long) line.length() + space.length());
      out.append(i > 0 ? "\n" : "");
      if (i == 0 ? isFirst : isBlank || !line.isEmpty()) {
        out.append(space);
      }
      out.append(line);
    }
    return out.toText();
  }

  static String title(String text) {
    StringBuilder out = new StringBuilder();
    Matcher matcher = WORD_START.matcher(text);
    int done = 0;
    while (matcher.find()) {
      out.append(TextMethods.capitalized(text.substring(done, matcher.start())));
      out.append(matcher.group());
      done = matcher.end();
    }
    return out.append(TextMethods.capitalized(text.substring(done))).toString();
  }

  static Text truncate(Text text, Arguments arguments) {
    arguments.only("length", "killwords", "end", "leeway");
    int length = arguments.integer(0, "length", 255);
    Text end = arguments.text(2, "end", "...");
    int leeway = arguments.integer(3, "leeway", 5);
    if (length < end.codePoints() || leeway < 0) {
      throw new JinjaException("truncate: the length is below the end's, or the leeway below 0");
    }
    if (text.codePoints() <= (long) length + leeway) {
      return text;
    }
    Text kept = text.slice(0, text.offset(length - end.codePoints()));
    if (!arguments.flag(1, "killwords", false)) {
      int space = kept.string().lastIndexOf(' ');
      kept = space < 0 ? kept : kept.slice(0, space);
    }
    return kept.plus(end);
  }

  static Text escape(Text text, Budget budget) {
    TextBuilder out = new TextBuilder();
    for (int i = 0; i < text.length(); i++) {
      String escaped =
          switch (text.string().charAt(i)) {
            case '&' -> "&amp;";
            case '<' -> "&lt;";
            case '>' -> "&gt;";
            case '"' -> "&#34;";
            case '\'' -> "&#39;";
            default -> "";
          };
      if (escaped.isEmpty()) {
        out.append(text, i, i + 1);
      } else {
        out.append(escaped, text, i, i + 1);
      }
    }
    budget.make(out.length());
    return out.toText();
  }

  static long words(String text) {
    return WORD.matcher(text.toLowerCase(Locale.ROOT)).results().count();
  }
}
