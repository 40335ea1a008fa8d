package org.coreinfer.generation;

import java.util.List;

/** Holds text back while it may still become a stop string, and notices when it has. */
final class StopMatcher {
  private final List<String> stops;
  private String held = "";
  private boolean isStopped;

  StopMatcher(List<String> stops) {
    this.stops = stops;
  }

  /**
   * Takes more text and returns what may be shown; nothing that follows the earliest stop string.
   */
  String accept(String text) {
    String all = held + text;
    int end = -1;
    for (String stop : stops) {
      int at = all.indexOf(stop);
      if (at >= 0 && (end < 0 || at < end)) {
        end = at;
      }
    }
    if (end >= 0) {
      isStopped = true;
      held = "";
      return all.substring(0, end);
    }
    int keep = longestStart(all);
    held = all.substring(all.length() - keep);
    return all.substring(0, all.length() - keep);
  }

  /** The length of the longest end of {@code text} that begins a stop string. */
  private int longestStart(String text) {
    int longest = 0;
    for (String stop : stops) {
      int most = Math.min(stop.length() - 1, text.length());
      for (int length = most; length > longest; length--) {
        if (text.endsWith(stop.substring(0, length))) {
          longest = length;
        }
      }
    }
    return longest;
  }

  boolean isStopped() {
    return isStopped;
  }

  /** What was held back, once no more text will come. */
  String flush() {
    String rest = held;
    held = "";
    return rest;
  }
}
