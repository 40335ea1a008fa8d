package org.coreinfer.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.QueueFullException;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.ServingRequest;
import org.coreinfer.serving.Ticket;
import org.coreinfer.serving.TokenLogprob;
import org.jspecify.annotations.Nullable;

/**
 * The answers to one HTTP request in progress. A request with many prompts has only a few of them
 * in the scheduler at once, so that it leaves room in the queue. What is heard of them is kept
 * here, however slowly it is taken, so nobody waits for a slow reader. For one thread; closing
 * cancels.
 */
final class Answers implements AutoCloseable {
  private final Scheduler scheduler;
  private final List<ServingRequest> requests;
  private final int mostAtOnce;
  private final BlockingQueue<AnswerEvent> events = new LinkedBlockingQueue<>();
  private final List<Ticket> tickets = new ArrayList<>();
  private int ended;

  /**
   * @throws ApiException if not even the first request is taken
   */
  Answers(Scheduler scheduler, List<ServingRequest> requests, int mostAtOnce) {
    this.scheduler = scheduler;
    this.requests = requests;
    this.mostAtOnce = mostAtOnce;
    try {
      submitSome();
    } catch (QueueFullException e) {
      throw ApiException.busy(e.retryAfter().toSeconds(), String.valueOf(e.getMessage()));
    }
  }

  private void submitSome() {
    while (tickets.size() < requests.size() && tickets.size() - ended < mostAtOnce) {
      int answer = tickets.size();
      try {
        tickets.add(scheduler.submit(requests.get(answer), new Listener(answer)));
      } catch (QueueFullException e) {
        if (tickets.size() == ended) {
          throw e;
        }
        return; // there is room when one of this request's own has ended
      } catch (IllegalArgumentException e) {
        throw ApiException.invalid(null, String.valueOf(e.getMessage()));
      } catch (IllegalStateException e) {
        throw ApiException.unavailable("stopping", "the server is stopping and takes no new work");
      }
    }
  }

  /** Whether all answers have ended. */
  boolean isDone() {
    return ended == requests.size();
  }

  /** The next event, as soon as there is one; null if there was none for so long. */
  @Nullable AnswerEvent next(Duration wait) {
    try {
      AnswerEvent event = events.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
      if (event instanceof AnswerEvent.End || event instanceof AnswerEvent.Failure) {
        ended++;
      }
      if (!isDone()) {
        tryToSubmit();
      }
      return event;
    } catch (InterruptedException e) {
      throw new ConnectionLostException(e);
    }
  }

  private void tryToSubmit() {
    try {
      submitSome();
    } catch (QueueFullException e) {
      // Others were quicker; the next call tries again.
    }
  }

  @Override
  public void close() {
    tickets.forEach(Ticket::cancel);
  }

  /** Never blocks: the longest answers bound what it keeps. */
  private final class Listener implements AnswerListener {
    private final int answer;

    Listener(int answer) {
      this.answer = answer;
    }

    @Override
    public void onPromptLogprobs(List<TokenLogprob> logprobs) {
      events.add(new AnswerEvent.Prompt(answer, logprobs));
    }

    @Override
    public void onNeurons(NeuronSet neurons) {
      events.add(new AnswerEvent.Core(answer, neurons));
    }

    @Override
    public void onToken(ServedToken token) {
      events.add(new AnswerEvent.Token(answer, token));
    }

    @Override
    public void onEnd(GenerationResult result) {
      events.add(new AnswerEvent.End(answer, result));
    }

    @Override
    public void onFailure(RuntimeException failure) {
      events.add(new AnswerEvent.Failure(answer, failure));
    }
  }
}
