package org.coreinfer.cli;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.Estimate;
import org.coreinfer.evaluation.task.Task;
import org.coreinfer.evaluation.task.TaskEvaluator;
import org.coreinfer.evaluation.task.TaskReport;
import org.coreinfer.evaluation.task.TaskSettings;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;

/** Asks a model the questions of a task file, and prints how dense and core answers score. */
final class TaskEvaluation {
  private final Streams streams;
  private final Cancellation cancellation;
  private final Task task;
  private final TaskSettings settings;
  private final @Nullable Path answers;

  /** Reads the file of {@code options}, so that a broken one is found before a model is loaded. */
  TaskEvaluation(TaskOptions options, Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
    this.task = options.read();
    this.settings = options.settings(task);
    this.answers = options.answers();
  }

  /** Loads a model, asks it, prints the outcome, and returns the exit code. */
  int run(ModelOptions models, @Nullable Path path, CoreOptions core, boolean isJson) {
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Model model = models.load(path, core, streams, interrupt.cancellation())) {
      TaskReport report = ask(model, core);
      if (report.skipped() > 0) {
        streams.note("coreinfer: examples too long for the context, skipped: " + report.skipped());
      }
      streams.print(isJson ? Json.of(report) + "\n" : table(report));
    }
    return 0;
  }

  private TaskReport ask(Model model, CoreOptions core) {
    try (TaskEvaluator evaluator =
            new TaskEvaluator(
                model.decoder(),
                model.tokenizer(),
                core,
                model.contextLength(),
                model.cacheDtype());
        Progress progress = new Progress(streams, cancellation, "Evaluating")) {
      return evaluate(evaluator, progress);
    }
  }

  private TaskReport evaluate(TaskEvaluator evaluator, Progress progress) {
    Path file = answers;
    if (file == null) {
      return evaluator.evaluate(task, settings, answered -> {}, progress::update);
    }
    try (Writer lines = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
      return evaluator.evaluate(
          task, settings, answered -> write(file, lines, answered), progress::update);
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  private static void write(Path file, Writer lines, TaskEvaluator.Answered answered) {
    try {
      lines.write(Json.of(answered) + "\n");
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  private static CoreInferException unwritable(Path file, IOException e) {
    return new CoreInferException(file + ": cannot be written: " + e, e);
  }

  private static String table(TaskReport report) {
    StringBuilder table = new StringBuilder();
    add(
        table,
        "%s (%s): %d examples; shots: %d asked for, %.1f shown",
        report.kind(),
        report.format(),
        report.examples(),
        report.shots(),
        report.shotsShown());
    add(table, "%-14s %22s %22s %22s", "%, 95 % interval", "dense", "core", "core - dense");
    for (TaskReport.Result result : report.metrics()) {
      add(
          table,
          "%-14s %22s %22s %22s",
          result.name(),
          cell(result.dense(), "%.2f"),
          cell(result.core(), "%.2f"),
          cell(result.difference(), "%+.2f"));
    }
    TaskReport.Rates rates = report.rates();
    add(table, "%-14s %22s %22.1f  %%", "same answer", "-", 100 * report.sameAnswer());
    add(table, "%-14s %22.1f %22.1f  %%", "neurons", 100.0, 100 * report.keepMeasured());
    add(table, "%-14s %22.1f %22.1f  tokens/s", "decode", rates.dense(), rates.core());
    add(table, "%-14s %22.1f %22s  tokens/s", "prefill", rates.prefill(), "the same");
    return table.toString();
  }

  private static void add(StringBuilder table, String format, Object... values) {
    table.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /** A score, and its interval if there is one. */
  private static String cell(Estimate score, String format) {
    if (!score.hasInterval()) {
      return String.format(Locale.ROOT, format, score.value());
    }
    return String.format(
        Locale.ROOT,
        format + " [" + format + ", " + format + "]",
        score.value(),
        score.low(),
        score.high());
  }
}
