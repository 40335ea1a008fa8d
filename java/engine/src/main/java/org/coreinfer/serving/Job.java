package org.coreinfer.serving;

import java.time.Duration;
import java.util.concurrent.Executor;
import org.coreinfer.generation.FinishReason;
import org.jspecify.annotations.Nullable;

/** A request on its way: what was asked for, who hears of it, and whether it should end. */
final class Job implements Ticket, Delivery.Observer {
  private final ServingRequest request;
  private final int[] prompt;
  private final Delivery delivery;
  private final Runnable wake;
  private final long submitted = System.nanoTime();
  private final Runnable onOver;
  private volatile boolean isCancelled;

  /**
   * @param wake tells the computing thread to look again
   * @param onOver runs once the listener has heard everything
   */
  Job(
      ServingRequest request,
      int[] prompt,
      AnswerListener listener,
      Executor threads,
      int buffer,
      Runnable wake,
      Runnable onOver) {
    this.request = request;
    this.prompt = prompt;
    this.wake = wake;
    this.onOver = onOver;
    this.delivery = new Delivery(listener, threads, buffer, this);
  }

  ServingRequest request() {
    return request;
  }

  int[] prompt() {
    return prompt;
  }

  Delivery delivery() {
    return delivery;
  }

  /** How long ago it was submitted. */
  Duration age() {
    return Duration.ofNanos(System.nanoTime() - submitted);
  }

  @Override
  public void cancel() {
    isCancelled = true;
    wake.run();
  }

  /** Why the answer must end now; null if it need not. */
  @Nullable FinishReason interruption() {
    if (isCancelled || request.generation().cancellation().isCancelled()) {
      return FinishReason.CANCELLED;
    }
    Duration timeout = request.timeout();
    return timeout != null && age().compareTo(timeout) >= 0 ? FinishReason.TIMED_OUT : null;
  }

  @Override
  public void hasRoom() {
    wake.run();
  }

  @Override
  public void isOver(@Nullable RuntimeException thrown) {
    isCancelled = true;
    onOver.run();
    wake.run();
  }
}
