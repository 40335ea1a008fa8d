package org.coreinfer.chat.jinja;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str}. */
final class TextMethods {
  /** A method, which gets the text that it was called on. */
  private interface Method {
    Object call(Text self, Arguments arguments, Budget budget);
  }

  private static final Map<String, Method> METHODS =
      Map.ofEntries(
          Map.entry("strip", (self, a, b) -> strip(self, a, true, true)),
          Map.entry("lstrip", (self, a, b) -> strip(self, a, true, false)),
          Map.entry("rstrip", (self, a, b) -> strip(self, a, false, true)),
          Map.entry("split", (self, a, b) -> Splitting.split(self, a, b)),
          Map.entry("rsplit", (self, a, b) -> Splitting.splitFromEnd(self, a, b)),
          Map.entry("splitlines", (self, a, b) -> Splitting.lines(self, a, b)),
          Map.entry("partition", (self, a, b) -> Splitting.partition(self, a, false)),
          Map.entry("rpartition", (self, a, b) -> Splitting.partition(self, a, true)),
          Map.entry("startswith", (self, a, b) -> isAffix(self, a, true)),
          Map.entry("endswith", (self, a, b) -> isAffix(self, a, false)),
          Map.entry("removeprefix", (self, a, b) -> without(self, a, true)),
          Map.entry("removesuffix", (self, a, b) -> without(self, a, false)),
          Map.entry("upper", changing(s -> s.toUpperCase(Locale.ROOT))),
          Map.entry("lower", changing(s -> s.toLowerCase(Locale.ROOT))),
          Map.entry("capitalize", changing(TextMethods::capitalized)),
          Map.entry("title", changing(TextMethods::titled)),
          Map.entry("replace", TextMethods::replace),
          Map.entry("join", (self, a, b) -> join(self, Values.iterate(a.only("x").get(0, "x")), b)),
          Map.entry("find", (self, a, b) -> find(self, a, false)),
          Map.entry("rfind", (self, a, b) -> find(self, a, true)),
          Map.entry("index", (self, a, b) -> index(self, a)),
          Map.entry("count", (self, a, b) -> count(self, a)),
          Map.entry("isdigit", (self, a, b) -> all(self, Character::isDigit)),
          Map.entry("isnumeric", (self, a, b) -> all(self, Character::isDigit)),
          Map.entry("isalpha", (self, a, b) -> all(self, Character::isLetter)),
          Map.entry("isalnum", (self, a, b) -> all(self, Character::isLetterOrDigit)),
          Map.entry("isspace", (self, a, b) -> all(self, Characters::isSpace)),
          Map.entry("isupper", (self, a, b) -> isCased(self, Character::isUpperCase)),
          Map.entry("islower", (self, a, b) -> isCased(self, Character::isLowerCase)),
          Map.entry("format", (self, a, b) -> BraceFormat.format(self, a, b)),
          Map.entry("ljust", (self, a, b) -> justify(self, a, b, true)),
          Map.entry("rjust", (self, a, b) -> justify(self, a, b, false)));

  /** Methods that Python has, and this package lacks. */
  private static final Set<String> MISSING =
      Set.of(
          "casefold",
          "center",
          "encode",
          "expandtabs",
          "format_map",
          "isascii",
          "isdecimal",
          "isidentifier",
          "isprintable",
          "istitle",
          "maketrans",
          "rindex",
          "swapcase",
          "translate",
          "zfill");

  private TextMethods() {}

  /** The method of this name; null if Python has none. */
  static @Nullable Callable find(Text self, String name) {
    Method method = METHODS.get(name);
    if (method != null) {
      return (arguments, scope) -> method.call(self, arguments, scope.budget());
    }
    if (MISSING.contains(name)) {
      throw new JinjaException("the string method '" + name + "' is not supported");
    }
    return null;
  }

  private static Method changing(UnaryOperator<String> change) {
    return (self, arguments, budget) -> {
      arguments.only();
      budget.make(self.length());
      return self.changed(change.apply(self.string()));
    };
  }

  static String capitalized(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int end = Character.charCount(text.codePointAt(0));
    return text.substring(0, end).toUpperCase(Locale.ROOT)
        + text.substring(end).toLowerCase(Locale.ROOT);
  }

  private static String titled(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean isInside = false;
    for (int c : text.codePoints().toArray()) {
      out.appendCodePoint(isInside ? Character.toLowerCase(c) : Character.toTitleCase(c));
      isInside = Character.isLetter(c);
    }
    return out.toString();
  }

  private static Text strip(Text self, Arguments arguments, boolean left, boolean right) {
    Object characters = arguments.only("chars").get(0, "chars", None.NONE);
    return strip(self, characters, left, right);
  }

  /**
   * Drops characters from the ends.
   *
   * @param characters a text with them, or None for spaces
   */
  static Text strip(Text self, Object characters, boolean left, boolean right) {
    IntPredicate isDropped;
    if (characters == None.NONE) {
      isDropped = Characters::isSpace;
    } else {
      String set = Values.requireText(characters, "the characters to strip").string();
      isDropped = c -> set.indexOf(c) >= 0;
    }
    String string = self.string();
    int start = 0;
    int end = string.length();
    while (left && start < end && isDropped.test(string.codePointAt(start))) {
      start += Character.charCount(string.codePointAt(start));
    }
    while (right && end > start && isDropped.test(string.codePointBefore(end))) {
      end -= Character.charCount(string.codePointBefore(end));
    }
    return self.slice(start, end);
  }

  private static boolean isAffix(Text self, Arguments arguments, boolean atStart) {
    Object affix = arguments.only("prefix").get(0, "prefix");
    List<?> affixes = affix instanceof Tuple tuple ? tuple : List.of(affix);
    for (Object one : affixes) {
      String text = Values.requireText(one, arguments.callee() + "'s argument").string();
      if (atStart ? self.string().startsWith(text) : self.string().endsWith(text)) {
        return true;
      }
    }
    return false;
  }

  private static Text without(Text self, Arguments arguments, boolean atStart) {
    String affix = arguments.only("prefix").text(0, "prefix").string();
    if (!(atStart ? self.string().startsWith(affix) : self.string().endsWith(affix))) {
      return self;
    }
    return atStart
        ? self.slice(affix.length(), self.length())
        : self.slice(0, self.length() - affix.length());
  }

  static Text replace(Text self, Arguments arguments, Budget budget) {
    arguments.only("old", "new", "count");
    String old = arguments.text(0, "old").string();
    Text replacement = arguments.text(1, "new");
    Object count = arguments.get(2, "count", None.NONE);
    int left = count == None.NONE ? -1 : Values.requireInt(count, "replace's count");
    left = left < 0 ? Integer.MAX_VALUE : left;
    TextBuilder out = new TextBuilder();
    int done = 0;
    int at = self.string().indexOf(old);
    while (at >= 0 && left-- > 0) {
      budget.make((long) at - done + replacement.length());
      out.append(self, done, at).append(replacement);
      done = at + old.length();
      if (old.isEmpty() && at == self.length()) {
        break;
      }
      int next = old.isEmpty() ? at + Character.charCount(self.string().codePointAt(at)) : done;
      at = self.string().indexOf(old, next);
    }
    return out.append(self, done, self.length()).toText();
  }

  /** Python's {@code separator.join(items)}. */
  static Text join(Text separator, List<Object> items, Budget budget) {
    TextBuilder out = new TextBuilder();
    for (int i = 0; i < items.size(); i++) {
      Text item = Values.requireText(items.get(i), "join: item " + i);
      budget.make((long) item.length() + separator.length());
      if (i > 0) {
        out.append(separator);
      }
      out.append(item);
    }
    return out.toText();
  }

  private static long find(Text self, Arguments arguments, boolean last) {
    String part = arguments.only("sub").text(0, "sub").string();
    int at = last ? self.string().lastIndexOf(part) : self.string().indexOf(part);
    return at < 0 ? -1 : self.string().codePointCount(0, at);
  }

  private static long index(Text self, Arguments arguments) {
    long at = find(self, arguments, false);
    if (at < 0) {
      throw new JinjaException("index: the substring is not found");
    }
    return at;
  }

  private static long count(Text self, Arguments arguments) {
    String part = arguments.only("sub").text(0, "sub").string();
    if (part.isEmpty()) {
      return self.codePoints() + 1L;
    }
    long count = 0;
    for (int at = self.string().indexOf(part);
        at >= 0;
        at = self.string().indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  private static boolean all(Text self, IntPredicate test) {
    return !self.isEmpty() && self.string().codePoints().allMatch(test);
  }

  /** Whether there are letters with a case, and all of them have this one. */
  static boolean isCased(Text self, IntPredicate hasCase) {
    int[] cased =
        self.string()
            .codePoints()
            .filter(c -> Character.isUpperCase(c) || Character.isLowerCase(c))
            .toArray();
    return cased.length > 0 && Arrays.stream(cased).allMatch(hasCase);
  }

  private static Text justify(Text self, Arguments arguments, Budget budget, boolean left) {
    arguments.only("width", "fillchar");
    int missing = arguments.integer(0, "width", 0) - self.codePoints();
    if (missing <= 0) {
      return self;
    }
    budget.make(missing);
    Text fill = arguments.text(1, "fillchar", " ");
    TextBuilder padding = new TextBuilder();
    for (int i = 0; i < missing; i++) {
      padding.append(fill);
    }
    return left ? self.plus(padding.toText()) : padding.toText().plus(self);
  }
}
