package org.coreinfer.serving;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.coreinfer.Model;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.text.Tokenizer;

/**
 * Answers many requests with one model, on one computing thread: a few at once, the others wait in
 * order of arrival. A turn reads a piece of one prompt, then computes a token of every answer,
 * those of several in one pass over the weights. No answer depends on what else is computed: greedy
 * and sampled ones are those of a {@link org.coreinfer.Session}, token for token (with several
 * tokens per pass only on the CPU; GPU libraries may round otherwise).
 *
 * <p>Texts are kept as long as there is memory, so that a prompt which begins like one of them need
 * not be read from its beginning: see {@link Reuse}. Prompts at the same time that begin alike wait
 * for the first of them to read that, and share its pages of keys and values. Thread-safe. Closing
 * the model ends all answers with {@link AnswerListener#onFailure}.
 */
public final class Scheduler implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Scheduler.class.getName());
  private static final Duration GRACE = Duration.ofSeconds(2);

  /** What of a text before is used for a prompt that begins in the same way. */
  public enum Reuse {
    /** Nothing. */
    NONE,
    /**
     * What was read of a prompt, up to a multiple of 64 tokens: on the CPU the answer is that of
     * reading all of it, to the bit. Core neurons follow from its scores, so where they are chosen
     * by another rule, only dense answers share it.
     */
    PROMPTS,
    /**
     * The same, and a whole text with its answer, if the prompt goes on after it: the next turn of
     * a conversation. It is as a session's next turn: keys and values of the answer are those that
     * it was decoded with, and core neurons follow from the scores of all prompts, as tokens
     * decoded with core neurons give no scores.
     */
    CONVERSATIONS
  }

  private final Model model;
  private final Builder settings;
  private final WaitingRoom room;
  private final Tally tally;
  private final KeptTexts texts;
  private final ExecutorService listeners;
  private final Job.Surroundings around;
  private final Thread worker;
  private final Lifetime.Registration modelEnd;

  private Scheduler(Builder settings) {
    this.model = settings.model;
    this.settings = settings;
    this.room = new WaitingRoom(settings.slots, settings.queue);
    this.tally = new Tally(settings.listener);
    this.listeners = DeliveryThread.newPool();
    this.around = new Job.Surroundings(listeners, settings.buffer, room::wake, room::leave);
    this.texts =
        new KeptTexts(
            model.decoder(),
            model.contextLength(),
            model.cacheDtype(),
            settings.slots,
            settings.mostTexts(),
            settings.reuse);
    ComputeLoop loop =
        new ComputeLoop(model, room, texts, tally, settings.prefillChunk, settings.patience);
    model.lifetime().enter();
    this.worker = new Thread(() -> compute(loop), "coreinfer-scheduler");
    worker.setDaemon(true);
    worker.start();
    this.modelEnd = model.lifetime().onClosing(loop::modelCloses);
  }

  private void compute(ComputeLoop loop) {
    try {
      loop.run();
    } finally {
      model.lifetime().exit();
      listeners.shutdown(); // which runs what was posted
    }
  }

  /** A scheduler for a model. */
  public static Builder builder(Model model) {
    return new Builder(model);
  }

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
    request.generation().sampling().adjustments().requireSuits(model.config().vocabulary());
    Job job = new Job(request, promptTokens(request.generation()), listener, around);
    if (!room.enter(job)) {
      tally.refused();
      throw new QueueFullException(settings.queue, tally.retryAfter(settings.slots));
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
    int vocabulary = model.config().vocabulary();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "token %d of the prompt is outside of the vocabulary of %d"
                .formatted(token, vocabulary));
      }
    }
    return tokens;
  }

  /** What it does at this moment. */
  public SchedulerStatus status() {
    int waiting = room.waiting(); // first: jobs that wait begin to run, and none goes back
    return new SchedulerStatus(
        room.running(),
        waiting,
        settings.slots,
        settings.queue,
        texts.usedTokens(),
        texts.tokens(),
        tally.counters());
  }

  /**
   * Refuses new requests and waits for those that were taken; cancels what is left of them after
   * {@code limit}, and waits until their listeners have heard it. A listener that does not return
   * is interrupted after some seconds, and then left alone.
   */
  public void drain(Duration limit) {
    room.shut();
    if (Thread.currentThread() instanceof DeliveryThread) {
      throw new IllegalStateException("a listener can't wait for the end of its own answer");
    }
    try {
      if (room.awaitEmpty(limit)) {
        return;
      }
      room.open().forEach(Job::cancel);
      if (!room.awaitEmpty(GRACE)) {
        room.open().forEach(job -> job.delivery().hurry());
        reportLeft(room.awaitEmpty(GRACE));
      }
    } catch (InterruptedException e) {
      room.open().forEach(Job::cancel);
      Thread.currentThread().interrupt();
    }
  }

  private void reportLeft(boolean isEmpty) {
    if (!isEmpty) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "{0} listeners did not return after their answers were cancelled",
          room.open().size());
    }
  }

  /** Cancels everything and waits until that is done; {@link #drain} before ends more gently. */
  @Override
  public void close() {
    room.stop();
    room.open().forEach(Job::cancel);
    modelEnd.remove();
    if (Thread.currentThread() instanceof DeliveryThread) {
      return; // which can't wait for itself
    }
    drain(Duration.ZERO);
    try {
      worker.join();
      if (!listeners.awaitTermination(GRACE.toSeconds(), TimeUnit.SECONDS)) {
        listeners.shutdownNow();
      }
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
    private Duration patience = Duration.ofSeconds(30);
    private long cacheTokens;
    private Reuse reuse = Reuse.CONVERSATIONS;
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

    /**
     * The most tokens of a prompt, roughly, that are read before other answers go on; 256 by
     * default. More reads prompts in less time, less lets others wait less. Where core neurons are
     * chosen by a rule that judges whole prompts, those are read at once.
     */
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
     * How long an answer pauses for a listener that takes nothing before it is cancelled, and the
     * listener interrupted; half a minute by default.
     */
    public Builder patience(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException("patience=" + value + ": expected more than nothing");
      }
      patience = value;
      return this;
    }

    /**
     * Tokens whose keys and values there is memory for; 0, the default, for as many as the slots
     * need with the longest texts. Texts take it page by page, and share what they begin with.
     */
    public Builder cacheTokens(long value) {
      if (value < 0) {
        throw new IllegalArgumentException("cache tokens=" + value + ": expected 0 or more");
      }
      cacheTokens = value;
      return this;
    }

    /** What texts are kept for; {@link Reuse#CONVERSATIONS} by default. */
    public Builder reuse(Reuse value) {
      reuse = value;
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

    private int mostTexts() {
      long least = (long) slots * model.contextLength();
      if (cacheTokens > 0 && cacheTokens < least) {
        throw new IllegalArgumentException(
            "cache tokens=%d: %d slots with a context of %d tokens need %d"
                .formatted(cacheTokens, slots, model.contextLength(), least));
      }
      return cacheTokens == 0 ? slots : Math.toIntExact(cacheTokens / model.contextLength());
    }

    /**
     * Starts it.
     *
     * @throws IllegalArgumentException if there is too little memory for the slots
     * @throws IllegalStateException if the model is closed
     */
    public Scheduler build() {
      return new Scheduler(this);
    }
  }
}
