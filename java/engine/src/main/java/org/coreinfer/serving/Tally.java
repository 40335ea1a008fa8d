package org.coreinfer.serving;

import java.time.Duration;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.SchedulerStatus.Counters;

/** Counts what a scheduler did, and tells its listener. Thread-safe. */
final class Tally {
  private static final System.Logger LOGGER = System.getLogger(Tally.class.getName());
  private static final double LATEST = 0.1; // weight of the latest request's time
  private static final Duration LEAST = Duration.ofSeconds(1);
  private static final Duration MOST = Duration.ofMinutes(10);

  private final SchedulerListener listener;
  private long completed;
  private long cancelled;
  private long timedOut;
  private long failed;
  private long refused;
  private long promptTokens;
  private long cachedTokens;
  private long generatedTokens;
  private long draftedTokens;
  private long acceptedTokens;
  private double meanSeconds; // that a request takes in its slot

  Tally(SchedulerListener listener) {
    this.listener = listener;
  }

  synchronized void refused() {
    refused++;
  }

  void firstToken(int prompt, int cached, Duration waited, Duration read) {
    synchronized (this) {
      promptTokens += prompt;
      cachedTokens += cached;
      generatedTokens++;
    }
    tell(() -> listener.onFirstToken(waited, read));
  }

  void nextToken(Duration sinceLast) {
    synchronized (this) {
      generatedTokens++;
    }
    tell(() -> listener.onNextToken(sinceLast));
  }

  /**
   * @param inSlot how long it was computed; zero if never
   */
  void ended(GenerationResult result, Duration took, Duration inSlot) {
    synchronized (this) {
      switch (result.finishReason()) {
        case CANCELLED -> cancelled++;
        case TIMED_OUT -> timedOut++;
        case LENGTH, EOS, STOP -> completed++;
      }
      Drafts drafts = result.drafts();
      if (drafts != null) {
        draftedTokens += drafts.drafted();
        acceptedTokens += drafts.accepted();
      }
      if (!inSlot.isZero()) {
        double seconds = inSlot.toNanos() / 1e9;
        meanSeconds = meanSeconds == 0 ? seconds : meanSeconds + LATEST * (seconds - meanSeconds);
      }
    }
    tell(() -> listener.onEnd(result, took));
  }

  void failed(RuntimeException failure, Duration took) {
    synchronized (this) {
      failed++;
    }
    tell(() -> listener.onFailure(failure, took));
  }

  private static void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.WARNING, "a listener of the scheduler failed", e);
    }
  }

  /** When the next of some slots will probably be free: whole seconds. */
  synchronized Duration retryAfter(int slots) {
    Duration estimate = Duration.ofSeconds((long) Math.ceil(meanSeconds / slots));
    if (estimate.compareTo(LEAST) < 0) {
      return LEAST;
    }
    return estimate.compareTo(MOST) > 0 ? MOST : estimate;
  }

  synchronized Counters counters() {
    return new Counters(
        completed,
        cancelled,
        timedOut,
        failed,
        refused,
        promptTokens,
        cachedTokens,
        generatedTokens,
        draftedTokens,
        acceptedTokens);
  }
}
