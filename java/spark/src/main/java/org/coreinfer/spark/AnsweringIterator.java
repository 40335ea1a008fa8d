package org.coreinfer.spark;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.BooleanSupplier;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;
import org.coreinfer.error.BackendException;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Rows with their answers, in the order of the rows. Only a few rows are on their way at a time:
 * twice as many as are answered at once, so that the scheduler has the next ones when answers end.
 * What a row is to blame for becomes its error; what the device is to blame for ends the task, so
 * that Spark tries it again. For one thread.
 */
final class AnsweringIterator implements Iterator<Row>, AutoCloseable {
  private static final long CHECK_MILLIS = 200;

  private final Iterator<Row> rows;
  private final int prompt;
  private final int key;
  private final long jobSeed;
  private final Engines.Lease lease;
  private final PromptForm form;
  private final Scheduler scheduler;
  private final int most;
  private final BooleanSupplier isKilled;
  private final Deque<PendingAnswer> pending = new ArrayDeque<>();

  /**
   * @param rows whose last column is the key's hash, which is left out of what comes out
   * @param prompt the prompt's column
   * @param lease owned
   * @param isKilled whether Spark wants the task to end
   */
  AnsweringIterator(
      Iterator<Row> rows,
      int prompt,
      int key,
      BatchOptions options,
      Engines.Lease lease,
      BooleanSupplier isKilled) {
    this.rows = rows;
    this.prompt = prompt;
    this.key = key;
    this.jobSeed = options.sampling().seed();
    this.lease = lease;
    this.isKilled = isKilled;
    this.form = lease.engine().form(options);
    this.scheduler = lease.engine().scheduler();
    this.most = 2 * lease.engine().slots();
  }

  @Override
  public boolean hasNext() {
    return !pending.isEmpty() || rows.hasNext();
  }

  @Override
  public Row next() {
    while (pending.size() < most && rows.hasNext()) {
      pending.add(begin(rows.next()));
    }
    PendingAnswer first = pending.poll();
    if (first == null) {
      throw new NoSuchElementException("all rows were answered");
    }
    return finished(first);
  }

  private PendingAnswer begin(Row row) {
    PendingAnswer answer = new PendingAnswer(row);
    if (row.isNullAt(prompt)) {
      answer.onFailure(new IllegalArgumentException("the prompt is null"));
      return answer;
    }
    try {
      long seed = RowKeys.seed(jobSeed, row.getLong(key));
      answer.began(scheduler.submit(form.request(row.getString(prompt), seed), answer));
    } catch (IllegalArgumentException | CoreInferException e) {
      answer.onFailure(e);
    }
    return answer;
  }

  private Row finished(PendingAnswer answer) {
    await(answer);
    RuntimeException failure = answer.failure();
    GenerationResult result = answer.result();
    if (failure == null && result != null) {
      if (result.finishReason() == FinishReason.CANCELLED) {
        throw new CoreInferException("the model was closed while rows were answered");
      }
      return AnswerColumns.answered(answer.row(), key, result);
    }
    if (failure instanceof BackendException || failure instanceof OutOfNativeMemoryException) {
      lease.discard();
      throw failure;
    }
    if (failure instanceof IllegalStateException) {
      throw failure; // the model or the scheduler was closed
    }
    return AnswerColumns.failed(answer.row(), key, sentence(failure));
  }

  private void await(PendingAnswer answer) {
    try {
      while (!answer.isDone(CHECK_MILLIS)) {
        requireWanted();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TaskKilledException("interrupted");
    }
    requireWanted();
  }

  private void requireWanted() {
    if (isKilled.getAsBoolean()) {
      throw new TaskKilledException("killed");
    }
  }

  private static String sentence(@Nullable RuntimeException failure) {
    if (failure == null) {
      return "the answer has no end";
    }
    String message = String.valueOf(failure.getMessage()).strip();
    boolean isUsual =
        failure instanceof CoreInferException || failure instanceof IllegalArgumentException;
    return isUsual ? message : failure.getClass().getSimpleName() + ": " + message;
  }

  /** Ends what is on its way, and gives the engine back. */
  @Override
  public void close() {
    pending.forEach(PendingAnswer::cancel);
    pending.clear();
    lease.close();
  }
}
