package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.Objects;
import org.coreinfer.evaluation.task.Task;
import org.coreinfer.evaluation.task.TaskEvaluator;
import org.coreinfer.evaluation.task.TaskFile;
import org.coreinfer.evaluation.task.TaskKind;
import org.coreinfer.evaluation.task.TaskSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of {@code eval} with questions instead of texts. */
final class TaskOptions {
  private static final int DEFAULT_SHOTS = 5;

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--task",
      paramLabel = "FILE",
      description =
          "Questions with answers, instead of --text: TriviaQA, SQuAD, TruthfulQA, WMT, XSum and"
              + " others, recognized by their content.")
  private @Nullable Path file;

  @Option(
      names = "--task-kind",
      paramLabel = "NAME",
      description =
          "How to ask and to score: qa, reading, translation, summarization, choice, arithmetic or"
              + " completion (default: what the file is for).")
  private @Nullable String kind;

  @Option(
      names = "--into",
      paramLabel = "LANG",
      description = "Translate into the language with this code (default: en where there is one).")
  private @Nullable String into;

  @Option(
      names = "--shots",
      paramLabel = "N",
      description = "Examples that each prompt shows before the one it asks (default: 5).")
  private @Nullable Integer shots;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Ask only the first N examples (default: all).")
  private @Nullable Integer limit;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Of the draws of examples to show, and of confidence intervals (default: 0).")
  private @Nullable Long seed;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "Most tokens of an answer (default: 8 to 256, by the kind).")
  private @Nullable Integer maxTokens;

  @Option(
      names = "--answers",
      paramLabel = "FILE",
      description = "Write each prompt and both answers here, one JSON object per line.")
  private @Nullable Path answers;

  /**
   * Whether a task was asked for, rather than a text.
   *
   * @throws picocli.CommandLine.ParameterException if both were, or neither, or options of the one
   *     with the other
   */
  boolean isAskedInsteadOf(@Nullable Path text) {
    if (text != null && file != null) {
      throw Usage.error(command, "--text and --task can't be used together");
    }
    if (text == null && file == null) {
      throw Usage.error(command, "--text FILE or --task FILE is missing");
    }
    refuse(file == null, "--task", "--task-kind", "--into", "--shots", "--limit", "--seed");
    refuse(file == null, "--task", "--max-tokens", "--answers");
    refuse(text == null, "--text", "--prompt-fraction", "--max-documents");
    return file != null;
  }

  private void refuse(boolean isWrong, String owner, String... options) {
    for (String option : options) {
      if (isWrong && command.commandLine().getParseResult().hasMatchedOption(option)) {
        throw Usage.error(command, option + ": works with " + owner + " only");
      }
    }
  }

  /** Reads the file that was asked for. */
  Task read() {
    Task task = TaskFile.read(Objects.requireNonNull(file), into);
    String wished = kind;
    Task asked = wished == null ? task : task.as(kind(wished));
    if (into != null && !asked.kind().equals(TaskKind.TRANSLATION)) {
      throw Usage.error(command, "--into=" + into + ": " + file + " is no translation task");
    }
    return asked;
  }

  private TaskKind kind(String label) {
    return Usage.checked(command, () -> TaskKind.of(label), "--task-kind");
  }

  /**
   * How to run the task; wrong values, and such as the task can't be run with, are usage errors.
   */
  TaskSettings settings(Task task) {
    return Usage.suited(command, () -> checkedSettings(task), "--shots", "--limit", "--max-tokens");
  }

  private TaskSettings checkedSettings(Task task) {
    TaskSettings settings =
        new TaskSettings(
            Objects.requireNonNullElse(shots, DEFAULT_SHOTS),
            Objects.requireNonNullElse(limit, Integer.MAX_VALUE),
            Objects.requireNonNullElse(seed, 0L),
            Objects.requireNonNullElse(maxTokens, task.kind().maxTokens()));
    TaskEvaluator.check(task, settings);
    return settings;
  }

  /** Where to write prompts and answers; null for nowhere. */
  @Nullable Path answers() {
    return answers;
  }
}
