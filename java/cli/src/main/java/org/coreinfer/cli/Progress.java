package org.coreinfer.cli;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;

/**
 * A bar on stderr for work that lasts: it appears after half a second, on terminals only, and
 * leaves no trace. Reporting to it also ends work that was cancelled.
 */
final class Progress implements AutoCloseable {
  private static final long PATIENCE_NANOS = 500_000_000;
  private static final int WIDTH = 79;
  private static final int STEPS = 1000;

  private final Streams streams;
  private final Cancellation cancellation;
  private final String task;
  private final long begin = System.nanoTime();
  private @Nullable ProgressBar bar;

  Progress(Streams streams, Cancellation cancellation, String task) {
    this.streams = streams;
    this.cancellation = cancellation;
    this.task = task;
  }

  /**
   * Shows that {@code fraction} of the work is done.
   *
   * @throws GenerationCancelledException if the work was cancelled
   */
  void update(double fraction) {
    if (cancellation.isCancelled()) {
      throw new GenerationCancelledException("cancelled");
    }
    if (bar == null && isDue()) {
      bar = newBar();
    }
    if (bar != null) {
      bar.stepTo(Math.round(fraction * STEPS));
    }
  }

  private boolean isDue() {
    return streams.isErrorTerminal() && System.nanoTime() - begin > PATIENCE_NANOS;
  }

  private ProgressBar newBar() {
    return new ProgressBarBuilder()
        .setTaskName(task)
        .setInitialMax(STEPS)
        .setUnit(" %", STEPS / 100)
        .setConsumer(new ConsoleProgressBarConsumer(streams.err(), WIDTH))
        .setMaxRenderedLength(WIDTH)
        .setUpdateIntervalMillis(200)
        .clearDisplayOnFinish()
        .build();
  }

  /** Takes the bar away. */
  void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  @Override
  public void close() {
    end();
  }
}
