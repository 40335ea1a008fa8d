package org.coreinfer.grammar;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The formats of strings, as patterns. They allow what is sure to be valid: no 29 February, no time
 * zone that no country has, and hosts and addresses of the usual form.
 */
final class StringFormats {
  /** Formats that only say how a string is meant or shown. */
  private static final Set<String> ANNOTATIONS = Set.of("password", "binary", "text");

  private static final String DATE =
      "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
          + "|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
  private static final String TIME =
      "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?"
          + "(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";
  private static final String CLOCK_DURATION =
      "T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S)";
  private static final String DURATION =
      "P([0-9]{1,4}W|([0-9]{1,4}Y([0-9]{1,4}M([0-9]{1,4}D)?)?|[0-9]{1,4}M([0-9]{1,4}D)?"
          + "|[0-9]{1,4}D)(%1$s)?|%1$s)".formatted(CLOCK_DURATION);
  private static final String OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  private static final String LABEL = "[a-zA-Z][a-zA-Z0-9]{0,20}(-[a-zA-Z0-9]{1,20})?";
  private static final String HOST = "(%1$s\\.){1,4}[a-zA-Z]{2,12}".formatted(LABEL);

  private static final Map<String, String> PATTERNS =
      new TreeMap<>(
          Map.of(
              "date",
              DATE,
              "time",
              TIME,
              "date-time",
              DATE + "T" + TIME,
              "duration",
              DURATION,
              "uuid",
              "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
              "ipv4",
              "%1$s(\\.%1$s){3}".formatted(OCTET),
              "ipv6",
              "([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}",
              "hostname",
              HOST,
              "email",
              "[a-zA-Z][a-zA-Z0-9_+-]{0,24}(\\.[a-zA-Z0-9_+-]{1,12}){0,3}@" + HOST,
              "uri",
              "https?://"
                  + HOST
                  + "(:[1-9][0-9]{1,3})?(/[a-zA-Z0-9._~-]*)*"
                  + "(\\?[a-zA-Z0-9._~=&-]*)?(#[a-zA-Z0-9._~-]*)?"));

  private StringFormats() {}

  static Set<String> names() {
    return PATTERNS.keySet();
  }

  static boolean isAnnotation(String name) {
    return ANNOTATIONS.contains(name);
  }

  /** The pattern of a format; null if it is not known. */
  static @Nullable Pattern find(String name) {
    String pattern = PATTERNS.get(name);
    return pattern == null ? null : PatternParser.parse("^(" + pattern + ")$");
  }
}
