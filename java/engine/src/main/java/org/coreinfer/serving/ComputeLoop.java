package org.coreinfer.serving;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.Model;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.generation.Answer;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Sequence;
import org.coreinfer.generation.Token;
import org.jspecify.annotations.Nullable;

/**
 * What the computing thread does: in each turn it reads a piece of one prompt, prompts taking
 * turns, and then computes a token of every answer whose prompt was read.
 */
final class ComputeLoop implements Runnable {
  private static final System.Logger LOGGER = System.getLogger(ComputeLoop.class.getName());

  /** How often to look after deadlines while nothing can be computed. */
  private static final long LOOK_MILLIS = 20;

  private final Model model;
  private final WaitingRoom room;
  private final KeptTexts texts;
  private final Tally tally;
  private final int prefillChunk;
  private final Duration patience;
  private final List<Job> waiting = new ArrayList<>(); // in slots, for what others are reading
  private final List<Running> running = new ArrayList<>();
  private final Grouping grouping = new Grouping();
  private int lastReader; // in running
  private volatile boolean isModelClosed;

  /**
   * @param prefillChunk tokens of a prompt that are read while others wait for their next token
   * @param patience how long a listener may stand still
   */
  ComputeLoop(
      Model model,
      WaitingRoom room,
      KeptTexts texts,
      Tally tally,
      int prefillChunk,
      Duration patience) {
    this.model = model;
    this.room = room;
    this.texts = texts;
    this.tally = tally;
    this.prefillChunk = prefillChunk;
    this.patience = patience;
  }

  /** Ends everything soon, as the model is closed. From any thread. */
  void modelCloses() {
    isModelClosed = true;
    room.wake();
  }

  @Override
  public void run() {
    try {
      while (!isModelClosed && !room.isDone()) {
        if (!turn()) {
          room.await(running.isEmpty() ? 0 : LOOK_MILLIS);
        }
      }
      if (isModelClosed) {
        failAll(new IllegalStateException("the model was closed"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      failAll(new IllegalStateException("the computing thread was interrupted", e));
    } catch (RuntimeException | Error e) {
      LOGGER.log(System.Logger.Level.ERROR, "the computing thread failed", e);
      failAll(new IllegalStateException("the scheduler failed: " + e, e));
    } finally {
      texts.close();
    }
  }

  private void failAll(RuntimeException failure) {
    room.shut();
    for (Running each : List.copyOf(running)) {
      fail(each, failure);
    }
    List<Job> unanswered = new ArrayList<>(waiting);
    waiting.forEach(job -> room.freeSlot());
    waiting.clear();
    unanswered.addAll(room.takeAll());
    for (Job job : unanswered) {
      tally.failed(failure, job.age());
      job.delivery().end(listener -> listener.onFailure(failure));
    }
  }

  /** Does some work; false if there was none to do. */
  private boolean turn() {
    for (Job job : room.interrupted()) {
      endUnanswered(job, () -> room.remove(job));
    }
    admit();
    endInterrupted();
    boolean isAnyRead = readPiece();
    return decode() || isAnyRead;
  }

  // Counts it before it leaves: who sees that nothing waits or runs sees all ends counted.
  private void endUnanswered(Job job, Runnable leave) {
    FinishReason reason = job.interruption();
    GenerationResult result =
        GenerationResult.unanswered(
            IntStream.of(job.prompt()).boxed().toList(),
            reason == null ? FinishReason.CANCELLED : reason,
            job.request().core());
    tally.ended(result, job.age(), Duration.ZERO);
    leave.run();
    job.delivery().end(listener -> listener.onEnd(result));
  }

  private void admit() {
    for (Job job = room.admit(); job != null; job = room.admit()) {
      waiting.add(job);
    }
    for (Job job : List.copyOf(waiting)) {
      ServingRequest request = job.request();
      if (job.interruption() != null) {
        waiting.remove(job);
        endUnanswered(job, room::freeSlot);
      } else if (!texts.isComing(job.prompt(), request.core(), request.promptLogprobs())) {
        waiting.remove(job);
        begin(job);
      }
    }
  }

  private void begin(Job job) {
    LentText text = null;
    try {
      ServingRequest request = job.request();
      text = texts.take(job.prompt(), request.core(), request.promptLogprobs());
      running.add(new Running(model, job, text, tally, activity -> check(job, activity)));
    } catch (RuntimeException e) {
      if (text != null) {
        texts.discard(text);
      }
      room.freeSlot();
      tally.failed(e, job.age());
      job.delivery().end(listener -> listener.onFailure(e));
    }
  }

  private void check(Job job, String activity) {
    if (isModelClosed) {
      throw new IllegalStateException("the model was closed while " + activity);
    }
    job.check(activity);
  }

  private void endInterrupted() {
    for (Running each : List.copyOf(running)) {
      Job job = each.job();
      if (job.delivery().fullNanos() > patience.toNanos()) {
        job.cancel();
        job.delivery().hurry();
      }
      FinishReason reason = job.interruption();
      if (reason != null) {
        each.interrupt(reason);
        end(each);
      }
    }
  }

  /** Reads a piece of the prompt whose turn it is. */
  private boolean readPiece() {
    for (int i = 1; i <= running.size(); i++) {
      int index = (lastReader + i) % running.size();
      Running each = running.get(index);
      if (each.answer().isReading()) {
        lastReader = index;
        boolean isAnyWaiting = running.stream().anyMatch(other -> other != each);
        attempt(each, () -> each.read(isAnyWaiting ? prefillChunk : Sequence.CHUNK));
        return true;
      }
    }
    return false;
  }

  /** Computes a token of every answer that can take one. */
  private boolean decode() {
    List<Running> together = new ArrayList<>();
    List<Running> alone = new ArrayList<>();
    for (Running each : running) {
      if (!each.answer().isReading() && each.isReady()) {
        (each.answer().isBatchable() ? together : alone).add(each);
      }
    }
    for (Running each : alone) {
      attempt(each, () -> each.stepped(each.answer().step()));
    }
    grouping.of(together).forEach(this::decodeTogether);
    return !together.isEmpty() || !alone.isEmpty();
  }

  private void decodeTogether(List<Running> group) {
    if (group.size() == 1) {
      Running only = group.get(0);
      attempt(only, () -> only.stepped(only.answer().step()));
      return;
    }
    List<Answer> answers = group.stream().map(Running::answer).toList();
    try {
      Answer.stepTogether(
          answers,
          new Answer.Results() {
            @Override
            public void stepped(int index, @Nullable Token token) {
              Running each = group.get(index);
              attempt(each, () -> each.stepped(token));
            }

            @Override
            public void failed(int index, RuntimeException failure) {
              fail(group.get(index), failure);
            }
          });
    } catch (RuntimeException e) {
      group.forEach(each -> fail(each, e));
    }
  }

  /** Takes a step of an answer, after which it may have ended. */
  private void attempt(Running each, Runnable step) {
    try {
      step.run();
    } catch (GenerationCancelledException e) {
      FinishReason reason = each.job().interruption();
      each.interrupt(reason == null ? FinishReason.CANCELLED : reason);
    } catch (RuntimeException e) {
      fail(each, e);
      return;
    }
    if (each.answer().finishReason() != null) {
      end(each);
    }
  }

  private void end(Running each) {
    each.ended();
    texts.giveBack(each.text(), each.answer().text());
    leave(each);
  }

  private void fail(Running each, RuntimeException failure) {
    each.failed(failure);
    texts.discard(each.text());
    leave(each);
  }

  private void leave(Running each) {
    running.remove(each);
    room.freeSlot();
  }
}
