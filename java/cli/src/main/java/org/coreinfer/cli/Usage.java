package org.coreinfer.cli;

import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Turns values that the library refuses into usage errors that name the option. */
final class Usage {
  private Usage() {}

  /**
   * The supplied value.
   *
   * @param options the options that it depends on; the one that the refusal begins with is named,
   *     else the first
   * @throws ParameterException if the library refuses it
   */
  static <T> T checked(CommandSpec command, Supplier<T> value, String... options) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      String refusal = String.valueOf(e.getMessage());
      String message = options[0] + ": " + refusal;
      for (String option : options) {
        if (isAbout(option, refusal)) {
          message = option + refusal.substring(option.length() - "--".length());
        }
      }
      throw new ParameterException(command.commandLine(), message, e);
    }
  }

  /**
   * Whether a refusal such as {@code top-k=-1: expected ...} or {@code layers 3..2: ...} begins
   * with the option's name.
   */
  private static boolean isAbout(String option, String refusal) {
    String name = option.substring("--".length());
    if (refusal.length() <= name.length()) {
      return false;
    }
    char next = refusal.charAt(name.length());
    return refusal.replace(' ', '-').startsWith(name) && (next == '=' || next == ' ');
  }

  static ParameterException error(CommandSpec command, String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
