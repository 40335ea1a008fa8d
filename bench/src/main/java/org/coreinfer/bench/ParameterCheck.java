package org.coreinfer.bench;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.coreinfer.backend.Host;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.Rules;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.tensor.DType;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Looks at parameters before JMH starts a process that could only fail with them. */
final class ParameterCheck {
  private ParameterCheck() {}

  /**
   * Checks the value of one {@code -p}.
   *
   * @param assignment {@code NAME=VALUE,VALUE…}
   * @throws IllegalArgumentException with a sentence for the user
   */
  static void check(String assignment) {
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw refused(assignment, "expected NAME=VALUE or NAME=VALUE,VALUE");
    }
    String name = assignment.substring(0, equals);
    Map<String, Field> known = parameters();
    Field parameter = known.get(name);
    if (parameter == null) {
      throw refused(name, "no benchmark has it; there are " + String.join(", ", known.keySet()));
    }
    for (String value : assignment.substring(equals + 1).split(",", -1)) {
      checkType(name, value, parameter.getType());
      checkMeaning(name, value);
    }
  }

  /** All benchmarks' parameters by name; those of one name have one type. */
  private static Map<String, Field> parameters() {
    Map<String, Field> fields = new TreeMap<>();
    for (BenchmarkListEntry benchmark :
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT),
                List.of())) {
      for (Field field : load(benchmark.getUserClassQName()).getFields()) {
        if (field.isAnnotationPresent(Param.class)) {
          fields.put(field.getName(), field);
        }
      }
    }
    return fields;
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException("JMH's list names " + name + ": build again", e);
    }
  }

  private static void checkType(String name, String value, Class<?> type) {
    try {
      if (type == int.class && Integer.parseInt(value) < 0) {
        throw refused(name + "=" + value, "expected 0 or more");
      }
      if (type == double.class) {
        double fraction = Double.parseDouble(value);
        if (!(fraction > 0 && fraction <= 1)) {
          throw refused(name + "=" + value, "expected above 0, at most 1");
        }
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("-p " + name + "=" + value + ": expected a number", e);
    }
    if (type == DType.class && Arrays.stream(DType.values()).noneMatch(d -> is(d, value))) {
      String all =
          Arrays.stream(DType.values())
              .filter(dtype -> !dtype.isShared())
              .map(DType::name)
              .collect(Collectors.joining(", "));
      throw refused(name + "=" + value, "expected one of " + all);
    }
  }

  private static boolean is(DType dtype, String value) {
    return dtype.name().equals(value) && !dtype.isShared();
  }

  private static void checkMeaning(String name, String value) {
    switch (name) {
      case "shape" -> ModelShape.of(value);
      case "backend" -> Workbench.requireBackend(value);
      case "activationBits" -> Host.requireActivationBits(Integer.parseInt(value));
      case "rule" -> Rules.of(value, CoreOptions.DEFAULT_ALPHA);
      case "scoring" -> {
        if (!value.equals(PrefillBenchmark.UNSCORED)) {
          Rules.of(value, CoreOptions.DEFAULT_ALPHA);
        }
      }
      case "draw" -> SamplerBenchmark.options(value);
      default -> {}
    }
  }

  private static IllegalArgumentException refused(String shown, String expected) {
    return new IllegalArgumentException("-p " + shown + ": " + expected);
  }
}
