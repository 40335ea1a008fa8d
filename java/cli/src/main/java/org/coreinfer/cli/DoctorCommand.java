package org.coreinfer.cli;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says whether the command can work on this machine. */
@Command(
    name = "doctor",
    sortOptions = false,
    description = "Check whether coreinfer works on this machine, and what would help.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer doctor",
      "  coreinfer doctor --json",
      "",
      "The exit code is 0 if run can work, 1 if a check failed. A warning is not a failure."
    })
final class DoctorCommand implements Callable<Integer> {
  private final Streams streams;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Option(names = "--json", description = "Print one JSON object instead of lines.")
  private boolean isJson;

  DoctorCommand(Streams streams) {
    this.streams = streams;
  }

  private record Report(boolean ok, List<Check> checks) {}

  @Override
  public Integer call() {
    List<Check> checks = HealthChecks.all();
    boolean isHealthy = checks.stream().noneMatch(check -> check.status() == Check.Status.FAIL);
    if (isJson) {
      streams.println(Json.of(new Report(isHealthy, checks)));
    } else {
      StringBuilder lines = new StringBuilder();
      checks.forEach(check -> lines.append(line(check)));
      streams.print(lines.toString());
    }
    return isHealthy ? 0 : 1;
  }

  private String line(Check check) {
    Ansi ansi = spec.commandLine().getColorScheme().ansi();
    String label = check.status().name().toLowerCase(Locale.ROOT);
    String status =
        switch (check.status()) {
          case OK -> label;
          case WARN -> ansi.string("@|yellow " + label + "|@");
          case FAIL -> ansi.string("@|red,bold " + label + "|@");
        };
    String padding = " ".repeat(5 - label.length());
    String advice = check.advice().isEmpty() ? "" : "; " + check.advice();
    return String.format(
        Locale.ROOT, "%s%s%-14s %s%s\n", status, padding, check.name(), check.detail(), advice);
  }
}
