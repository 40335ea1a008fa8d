package org.coreinfer.cli;

import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Turns values that the library refuses into usage errors that name the option. */
public final class Usage {
  private Usage() {}

  /**
   * What one option's value becomes.
   *
   * @throws ParameterException if the library refuses it
   */
  public static <T> T checked(CommandSpec command, Supplier<T> value, String option) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      String refusal = String.valueOf(e.getMessage());
      String message =
          isAbout(option, refusal) ? renamed(option, refusal) : option + ": " + refusal;
      throw new ParameterException(command.commandLine(), message, e);
    }
  }

  /**
   * What a model becomes or gives with options that may not suit it.
   *
   * @throws ParameterException if the library's refusal begins with the name of an option
   */
  static <T> T suited(CommandSpec command, Supplier<T> work, String... options) {
    try {
      return work.get();
    } catch (IllegalArgumentException e) {
      String refusal = String.valueOf(e.getMessage());
      for (String option : options) {
        if (isAbout(option, refusal)) {
          throw new ParameterException(command.commandLine(), renamed(option, refusal), e);
        }
      }
      throw e;
    }
  }

  private static String renamed(String option, String refusal) {
    return option + refusal.substring(option.length() - "--".length());
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
