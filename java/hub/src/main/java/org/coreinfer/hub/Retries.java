package org.coreinfer.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** Tries again what fails for now, after growing pauses. */
final class Retries {
  private static final Duration LONGEST = Duration.ofMinutes(5);

  private final HubSettings settings;
  private final Consumer<String> notes;

  /**
   * @param notes takes a sentence before each pause
   */
  Retries(HubSettings settings, Consumer<String> notes) {
    this.settings = settings;
    this.notes = notes;
  }

  /** Something that may fail for now. */
  interface Attempt<T> {
    T run() throws IOException, InterruptedException;

    /** Whether the latest run went on from where the one before had ended. */
    default boolean isProgressing() {
      return false;
    }
  }

  /**
   * @param what is done, for messages
   * @throws HubException if it failed too often, or the thread was interrupted
   */
  <T> T run(String what, Attempt<T> attempt) {
    int failures = 0;
    while (true) {
      try {
        return attempt.run();
      } catch (IOException e) {
        failures = attempt.isProgressing() ? 1 : failures + 1;
        String reason = reason(e);
        if (failures > settings.retries()) {
          throw new HubException(what + " failed: " + reason, e);
        }
        Duration pause = pause(e, failures);
        notes.accept(
            "%s: %s; trying again in %.1f s".formatted(what, reason, pause.toMillis() / 1e3));
        sleep(pause);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new HubException(what + " was interrupted", e);
      }
    }
  }

  private Duration pause(IOException e, int failures) {
    Duration wish = e instanceof RetryableException retryable ? retryable.wish() : null;
    if (wish != null) {
      return wish.compareTo(LONGEST) < 0 ? wish : LONGEST;
    }
    long grown = settings.firstPause().toMillis() << Math.min(failures - 1, 6);
    return Duration.ofMillis(grown + ThreadLocalRandom.current().nextLong(grown / 4 + 1));
  }

  private static String reason(IOException e) {
    String message = e.getMessage();
    return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
  }

  private static void sleep(Duration pause) {
    try {
      Thread.sleep(pause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException("the download was interrupted", e);
    }
  }
}
