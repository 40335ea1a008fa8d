package org.coreinfer.cli;

import java.time.Duration;
import java.util.function.UnaryOperator;
import org.coreinfer.server.Limits;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that say how much a server takes on. */
final class LimitOptions {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--slots",
      paramLabel = "N",
      defaultValue = "4",
      description = "Answers that are computed at once (default: ${DEFAULT-VALUE}).")
  private int slots;

  @Option(
      names = "--queue",
      paramLabel = "N",
      defaultValue = "64",
      description = "Requests that wait; more get status 429 (default: ${DEFAULT-VALUE}).")
  private int queue;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "Longest time of a request, with its waiting (default: ${DEFAULT-VALUE}).")
  private long timeout;

  @Option(
      names = "--grace",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "Time for answers in progress when the server is stopped (default: ${DEFAULT-VALUE}).")
  private long grace;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most tokens of an answer; 0 for the context's (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--max-prompts",
      paramLabel = "N",
      defaultValue = "128",
      description = "Most answers of one request (default: ${DEFAULT-VALUE}).")
  private int prompts;

  @Option(
      names = "--max-body",
      paramLabel = "SIZE",
      converter = MemorySize.class,
      defaultValue = "4M",
      description = "Largest request (default: ${DEFAULT-VALUE}).")
  private long body;

  /** The limits; wrong values are usage errors. */
  Limits toLimits() {
    if (body > Integer.MAX_VALUE / 2) {
      throw Usage.error(command, "--max-body: at most 1G can be taken");
    }
    Limits limits = change(Limits.usual(), "--slots", o -> o.withSlots(slots));
    limits = change(limits, "--queue", o -> o.withQueue(queue));
    limits = change(limits, "--timeout", o -> o.withTimeout(Duration.ofSeconds(timeout)));
    limits = change(limits, "--max-tokens", o -> o.withTokens(tokens));
    limits = change(limits, "--max-prompts", o -> o.withPrompts(prompts));
    return change(limits, "--max-body", o -> o.withBodyBytes((int) body));
  }

  private Limits change(Limits limits, String option, UnaryOperator<Limits> step) {
    return Usage.checked(command, () -> step.apply(limits), option);
  }

  /** Time for answers in progress. */
  Duration grace() {
    if (grace < 0) {
      throw Usage.error(command, "--grace=" + grace + ": expected 0 or more");
    }
    return Duration.ofSeconds(grace);
  }
}
