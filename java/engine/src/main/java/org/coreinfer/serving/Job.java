package org.coreinfer.serving;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.FinishReason;
import org.jspecify.annotations.Nullable;

/** A request on its way: what was asked for, who hears of it, and whether it should end. */
final class Job implements Ticket, Delivery.Observer {
  private final ServingRequest request;
  private final int[] prompt;
  private final Delivery delivery;
  private final Surroundings around;
  private final long submitted = System.nanoTime();
  private volatile boolean isCancelled;

  /**
   * What all jobs of a scheduler share.
   *
   * @param threads runs tasks at once, each on its own thread
   * @param buffer events that wait for a listener before its answer pauses
   * @param wake tells the computing thread to look again
   * @param onOver hears of each job whose listener will hear no more
   */
  record Surroundings(Executor threads, int buffer, Runnable wake, Consumer<Job> onOver) {}

  Job(ServingRequest request, int[] prompt, AnswerListener listener, Surroundings around) {
    this.request = request;
    this.prompt = prompt;
    this.around = around;
    this.delivery = new Delivery(listener, around.threads, around.buffer, this);
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
    around.wake.run();
  }

  /** Why the answer must end now; null if it need not. */
  @Nullable FinishReason interruption() {
    if (isCancelled || request.generation().cancellation().isCancelled()) {
      return FinishReason.CANCELLED;
    }
    Duration timeout = request.timeout();
    return timeout != null && age().compareTo(timeout) >= 0 ? FinishReason.TIMED_OUT : null;
  }

  /** Throws if the answer must end. */
  void check(String activity) {
    if (interruption() != null) {
      throw new GenerationCancelledException("cancelled while " + activity);
    }
  }

  @Override
  public void hasRoom() {
    around.wake.run();
  }

  @Override
  public void isOver(@Nullable RuntimeException thrown) {
    isCancelled = true;
    around.onOver.accept(this);
    around.wake.run();
  }
}
