package org.coreinfer.generation;

import java.io.IOException;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.core.Refresh.Drift;
import org.coreinfer.model.StateReader;
import org.coreinfer.model.StateWriter;

/**
 * When core neurons are renewed: after every so many tokens, or as far apart as their drift allows.
 * For one thread.
 */
final class RefreshSchedule {
  private static final int FIRST = 32;
  private static final int LEAST = 8;
  private static final int MOST = 256;

  /** Of a token's drift to what it is with a set that knows the token. */
  private static final double MOST_RATIO = 2;

  private static final double LOW_RATIO = 1.4;

  private final int fixed;
  private int interval;
  private int tokens;

  /**
   * @param refresh as {@link Upkeep} has it
   */
  RefreshSchedule(int refresh) {
    this.fixed = refresh;
    restart();
  }

  /** Begins anew, after a prompt. */
  void restart() {
    interval = fixed == Upkeep.AUTO ? FIRST : fixed;
    tokens = 0;
  }

  /** Tokens from one refresh to the next; 0 for never. */
  int interval() {
    return interval;
  }

  /** Whether the next token is to be computed with every neuron. */
  boolean isDue() {
    return interval > 0 && tokens + 1 >= interval;
  }

  void save(StateWriter writer) throws IOException {
    writer.put(interval);
    writer.put(tokens);
  }

  void load(StateReader reader) throws IOException {
    interval = reader.getInt("the refresh interval", 0, Integer.MAX_VALUE);
    tokens = reader.getInt("the tokens since a refresh", 0, Integer.MAX_VALUE);
  }

  /** Counts a token that was computed with core neurons. */
  void decoded() {
    tokens++;
  }

  /**
   * Counts a refresh. Drift is judged by what choosing anew would have left of it on the same
   * token, as the level itself depends on how many neurons are kept.
   */
  void refreshed(Drift drift) {
    tokens = 0;
    if (fixed != Upkeep.AUTO) {
      return;
    }
    if (drift.before() > MOST_RATIO * drift.after()) {
      interval = Math.max(LEAST, interval / 2);
    } else if (drift.before() <= LOW_RATIO * drift.after()) {
      interval = Math.min(MOST, interval * 2);
    }
  }
}
