package org.coreinfer.bench.compare;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Who takes part, from what the command line names. */
final class Contenders {
  private final List<Contender> all = new ArrayList<>();

  /** This engine with each of the fractions. */
  Contenders coreInfer(int activationBits, List<Double> keeps) {
    keeps.forEach(keep -> all.add(new CoreInferContender(keep, activationBits)));
    return this;
  }

  /**
   * A llama-bench.
   *
   * @param named {@code [LABEL=]PATH [ARGUMENTS]}
   */
  Contenders llamaBench(String named) {
    int equals = named.indexOf('=');
    boolean isLabelled = equals > 0 && named.substring(0, equals).matches("[^/\\s]+");
    String label = isLabelled ? named.substring(0, equals) : "llama.cpp";
    all.add(new LlamaBenchContender(label, program(named.substring(isLabelled ? equals + 1 : 0))));
    return this;
  }

  /** PowerInfer's main, with each of the fractions. */
  Contenders powerInfer(String path, List<Double> keeps) {
    keeps.forEach(keep -> all.add(new PowerInferContender(program(path), keep)));
    return this;
  }

  /** A command of the user's. */
  Contenders command(String label, String template, Map<String, Pattern> patterns) {
    Pattern rate = patterns.getOrDefault(label, CommandContender.USUAL_RATE);
    all.add(new CommandContender(label, template, rate));
    return this;
  }

  /** A path that may have spaces, or a path and arguments without any. */
  private static List<String> program(String words) {
    List<String> parts =
        new ArrayList<>(
            Files.exists(Path.of(words)) ? List.of(words) : List.of(words.strip().split("\\s+")));
    parts.set(0, Path.of(parts.get(0)).toAbsolutePath().toString());
    return List.copyOf(parts);
  }

  /**
   * All of them.
   *
   * @throws IllegalArgumentException if two could not be told apart
   */
  List<Contender> list() {
    Set<String> names = new LinkedHashSet<>();
    for (Contender contender : all) {
      if (!names.add(contender.label() + " " + contender.keep())) {
        throw new IllegalArgumentException(
            "two engines are called " + contender.label() + ": give them labels, LABEL=PATH");
      }
    }
    return List.copyOf(all);
  }
}
