package org.coreinfer.grammar;

import static org.coreinfer.grammar.Expression.UNLIMITED;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text of strings. */
final class StringText {
  private StringText() {}

  static Expression expression(List<SchemaPart> own) {
    int min = SchemaKeywords.most(own, "minLength");
    int max = SchemaKeywords.least(own, "maxLength");
    if (max != UNLIMITED && max < min) {
      return Expression.NOTHING;
    }
    Pattern pattern = null;
    for (SchemaPart part : own) {
      pattern = only(part, pattern, ofPattern(part));
      pattern = only(part, pattern, ofFormat(part));
    }
    if (pattern == null) {
      return min == 0 && max == UNLIMITED ? JsonText.STRING : JsonText.string(min, max);
    }
    boolean isLongEnough = pattern.min() >= min;
    boolean isShortEnough =
        max == UNLIMITED || (pattern.max() != UNLIMITED && pattern.max() <= max);
    if (!isLongEnough || !isShortEnough) {
      throw own.get(0)
          .wrong(
              "minLength and maxLength are not supported beside a pattern or format of other"
                  + " lengths: write the lengths into the pattern");
    }
    return JsonText.quoted(pattern.content());
  }

  private static @Nullable Pattern only(
      SchemaPart part, @Nullable Pattern known, @Nullable Pattern other) {
    if (known != null && other != null && !known.source().equals(other.source())) {
      throw part.wrong("two of pattern and format for one string are not supported");
    }
    return other == null ? known : other;
  }

  private static @Nullable Pattern ofPattern(SchemaPart part) {
    String source = SchemaKeywords.text(part, "pattern");
    try {
      return source == null ? null : PatternParser.parse(source);
    } catch (PatternParser.PatternException e) {
      throw part.wrong("the pattern \"" + source + "\": " + e.getMessage());
    }
  }

  private static @Nullable Pattern ofFormat(SchemaPart part) {
    String name = SchemaKeywords.text(part, "format");
    if (name == null || StringFormats.isAnnotation(name)) {
      return null;
    }
    Pattern pattern = StringFormats.find(name);
    if (pattern == null) {
      throw part.wrong(
          "the format \""
              + name
              + "\" is not supported; expected "
              + String.join(", ", StringFormats.names()));
    }
    return pattern;
  }
}
