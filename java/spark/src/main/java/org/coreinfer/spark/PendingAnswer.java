package org.coreinfer.spark;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.spark.sql.Row;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.Ticket;
import org.jspecify.annotations.Nullable;

/** A row that waits for its answer. Thread-safe. */
final class PendingAnswer implements AnswerListener {
  private final Row row;
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile @Nullable GenerationResult result;
  private volatile @Nullable RuntimeException failure;
  private @Nullable Ticket ticket;

  PendingAnswer(Row row) {
    this.row = row;
  }

  Row row() {
    return row;
  }

  /** The request was taken. */
  void began(Ticket taken) {
    ticket = taken;
  }

  @Override
  public void onToken(ServedToken token) {}

  @Override
  public void onEnd(GenerationResult ended) {
    result = ended;
    done.countDown();
  }

  @Override
  public void onFailure(RuntimeException thrown) {
    failure = thrown;
    done.countDown();
  }

  /** Waits until the answer is there, or so long. */
  boolean isDone(long millis) throws InterruptedException {
    return done.await(millis, TimeUnit.MILLISECONDS);
  }

  @Nullable GenerationResult result() {
    return result;
  }

  @Nullable RuntimeException failure() {
    return failure;
  }

  void cancel() {
    Ticket taken = ticket;
    if (taken != null) {
      taken.cancel();
    }
  }
}
