package org.coreinfer.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.coreinfer.tensor.DType;

/** Looks at parameters before JMH starts a process that could only fail with them. */
final class ParameterCheck {
  private static final Set<String> NAMES =
      new TreeSet<>(
          List.of(
              "backend",
              "threads",
              "shape",
              "dtype",
              "keep",
              "layers",
              "position",
              "tokens",
              "rule",
              "rows",
              "columns",
              "cache",
              "text",
              "draw",
              "vocabulary"));

  private ParameterCheck() {}

  /**
   * Checks one {@code -p}.
   *
   * @param assignment {@code NAME=VALUE,VALUE…}
   * @throws IllegalArgumentException with a sentence for the user
   */
  static void check(String assignment) {
    int equals = assignment.indexOf('=');
    String name = equals < 0 ? assignment : assignment.substring(0, equals);
    require(
        equals > 0 && equals + 1 < assignment.length(),
        assignment,
        "expected NAME=VALUE or NAME=VALUE,VALUE");
    require(
        NAMES.contains(name), name, "no benchmark has it; there are " + String.join(", ", NAMES));
    for (String value : assignment.substring(equals + 1).split(",", -1)) {
      check(name, value);
    }
  }

  private static void check(String name, String value) {
    String shown = name + "=" + value;
    switch (name) {
      case "backend" ->
          require(Set.of("cpu", "cuda").contains(value), shown, "expected cpu or cuda");
      case "shape" -> Shape.of(value);
      case "dtype" -> require(isStored(value), shown, "expected one of " + stored());
      case "cache" -> require(Set.of("F32", "F16").contains(value), shown, "expected F32 or F16");
      case "keep" -> require(isFraction(value), shown, "expected above 0, at most 1");
      default -> {}
    }
  }

  private static void require(boolean holds, String shown, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("-p " + shown + ": " + expected);
    }
  }

  private static boolean isStored(String value) {
    return Arrays.stream(DType.values())
        .anyMatch(dtype -> !dtype.isShared() && dtype.name().equals(value));
  }

  private static String stored() {
    return Arrays.stream(DType.values())
        .filter(dtype -> !dtype.isShared())
        .map(DType::name)
        .collect(Collectors.joining(", "));
  }

  private static boolean isFraction(String value) {
    try {
      double fraction = Double.parseDouble(value);
      return fraction > 0 && fraction <= 1;
    } catch (NumberFormatException e) {
      return false;
    }
  }
}
