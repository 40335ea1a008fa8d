package org.coreinfer.serving;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.text.Tokenizer;

/**
 * Answers many requests with one model, on one computing thread: a few at once, in turns, the
 * others wait in order of arrival. Thread-safe.
 *
 * <p>Closing the model ends all answers with {@link AnswerListener#onFailure}.
 */
public final class Scheduler implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Scheduler.class.getName());

  private final Model model;
  private final Builder settings;
  private final Object lock = new Object();
  private final Deque<Job> waiting = new ArrayDeque<>();
  private final List<Running> running = new ArrayList<>();
  private final ExecutorService listeners;
  private final Thread worker;
  private final Lifetime.Registration modelEnd;
  private boolean isDraining;
  private boolean isStopping;
  private long refused;

  private Scheduler(Builder settings) {
    this.model = settings.model;
    this.settings = settings;
    this.listeners = newListenerThreads();
    LOGGER.log(
        System.Logger.Level.DEBUG,
        "{0} slots, prompts in pieces of {1} tokens",
        settings.slots,
        settings.prefillChunk);
    model.lifetime().enter();
    this.worker = new Thread(this::work, "coreinfer-scheduler");
    worker.setDaemon(true);
    worker.start();
    this.modelEnd = model.lifetime().onClosing(this::wake);
  }

  private static ExecutorService newListenerThreads() {
    AtomicInteger count = new AtomicInteger();
    return new ThreadPoolExecutor(
        0,
        Integer.MAX_VALUE,
        10,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        task -> {
          Thread thread = new Thread(task, "coreinfer-delivery-" + count.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  /** A scheduler for a model, which must stay open as long. */
  public static Builder builder(Model model) {
    return new Builder(model);
  }

  /** An answer in progress. */
  private record Running(Job job, Session session, TokenStream stream, Iterator<Token> tokens) {}

  /**
   * Takes a request, which is answered as soon as its turn comes.
   *
   * @param listener hears of the answer
   * @throws QueueFullException if too many requests are waiting
   * @throws IllegalArgumentException if the prompt does not fit, or the options don't suit the
   *     model
   * @throws IllegalStateException if the scheduler or the model is closed, or drains
   */
  public Ticket submit(ServingRequest request, AnswerListener listener) {
    request.core().requireSuits(model.config());
    int[] prompt = promptTokens(request.generation());
    Job job = new Job(request, prompt, listener, listeners, settings.buffer, this::wake, () -> {});
    synchronized (lock) {
      if (isStopping || isDraining || model.lifetime().isClosed()) {
        throw new IllegalStateException("the scheduler takes no more requests: it is closing");
      }
      if (waiting.size() >= settings.queue) {
        refused++;
        throw new QueueFullException(waiting.size(), Duration.ofSeconds(1));
      }
      waiting.add(job);
      lock.notifyAll();
    }
    return job;
  }

  private int[] promptTokens(GenerationRequest request) {
    List<Integer> given = request.promptTokens();
    Tokenizer tokenizer = model.tokenizer();
    int[] tokens =
        given != null
            ? given.stream().mapToInt(Integer::intValue).toArray()
            : tokenizer.encode(String.valueOf(request.prompt()), true, request.parseSpecial());
    if (tokens.length == 0) {
      throw new IllegalArgumentException(
          "the prompt is empty, and this model has no token that starts a text");
    }
    if (tokens.length > model.contextLength()) {
      throw new IllegalArgumentException(
          "the prompt has %d tokens, but the context has only %d: shorten it or use a larger context"
              .formatted(tokens.length, model.contextLength()));
    }
    return tokens;
  }

  private void wake() {
    synchronized (lock) {
      lock.notifyAll();
    }
  }

  private void work() {
    try {
      while (awaitWork()) {
        List<Running> turn;
        synchronized (lock) {
          turn = List.copyOf(running);
        }
        turn.forEach(this::step);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      listeners.shutdown();
      model.lifetime().exit();
    }
  }

  private boolean awaitWork() throws InterruptedException {
    synchronized (lock) {
      while (!isStopping && running.isEmpty() && waiting.isEmpty()) {
        lock.wait();
      }
      while (running.size() < settings.slots && !waiting.isEmpty()) {
        Job job = waiting.remove();
        Session session = model.newSession(job.request().core());
        TokenStream stream = session.stream(job.request().generation());
        running.add(new Running(job, session, stream, stream.iterator()));
      }
      return !isStopping;
    }
  }

  private void step(Running answer) {
    Delivery delivery = answer.job.delivery();
    try {
      if (answer.job.interruption() != null) {
        answer.stream.close();
      }
      if (answer.tokens.hasNext()) {
        Token token = answer.tokens.next();
        ServedToken served = new ServedToken(token.id(), token.text(), null);
        delivery.post(listener -> listener.onToken(served));
        return;
      }
      GenerationResult result = answer.stream.result();
      delivery.end(listener -> listener.onEnd(result));
      settings.listener.onEnd(result, answer.job.age());
    } catch (RuntimeException e) {
      delivery.end(listener -> listener.onFailure(e));
    }
    answer.stream.close();
    answer.session.close();
    synchronized (lock) {
      running.remove(answer);
    }
  }

  /** What it does at this moment. */
  public SchedulerStatus status() {
    synchronized (lock) {
      return new SchedulerStatus(
          running.size(),
          waiting.size(),
          settings.slots,
          settings.queue,
          0,
          settings.cacheTokens,
          new SchedulerStatus.Counters(0, 0, 0, 0, refused, 0, 0, 0, 0, 0));
    }
  }

  /**
   * Refuses new requests and waits for those that were taken; cancels what is left of them after
   * {@code limit}, and waits until their listeners have heard it.
   */
  public void drain(Duration limit) {
    synchronized (lock) {
      isDraining = true;
    }
  }

  /** Cancels everything and waits until that is done. */
  @Override
  public void close() {
    synchronized (lock) {
      isStopping = true;
      lock.notifyAll();
    }
    modelEnd.remove();
    try {
      worker.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Collects a scheduler's settings; all have defaults. */
  public static final class Builder {
    private final Model model;
    private int slots = 4;
    private int queue = 64;
    private int prefillChunk = 256;
    private int buffer = 256;
    private long cacheTokens;
    private SchedulerListener listener = SchedulerListener.NONE;

    private Builder(Model model) {
      this.model = model;
    }

    /** The most requests that are answered at once; 4 by default. */
    public Builder slots(int value) {
      slots = atLeast(1, value, "slots");
      return this;
    }

    /** The most requests that wait for a slot; 64 by default. */
    public Builder queue(int value) {
      queue = atLeast(0, value, "queue");
      return this;
    }

    /** The most tokens of a prompt that are read before other answers go on; 256 by default. */
    public Builder prefillChunk(int value) {
      prefillChunk = atLeast(1, value, "prefill chunk");
      return this;
    }

    /** The most events that wait for a listener before its answer pauses; 256 by default. */
    public Builder buffer(int value) {
      buffer = atLeast(1, value, "buffer");
      return this;
    }

    /**
     * Tokens whose keys and values there is memory for; by default as many as the slots need with
     * the longest texts.
     */
    public Builder cacheTokens(long value) {
      cacheTokens = value;
      return this;
    }

    /** Who hears of times. */
    public Builder listener(SchedulerListener value) {
      listener = value;
      return this;
    }

    private static int atLeast(int least, int value, String name) {
      if (value < least) {
        throw new IllegalArgumentException(
            "%s=%d: expected %d or more".formatted(name, value, least));
      }
      return value;
    }

    public Scheduler build() {
      return new Scheduler(this);
    }
  }
}
