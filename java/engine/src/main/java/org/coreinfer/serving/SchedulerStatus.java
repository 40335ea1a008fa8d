package org.coreinfer.serving;

/**
 * A scheduler at one moment.
 *
 * @param running requests that are computed
 * @param waiting requests that wait for a slot
 * @param slots the most requests that are computed at once
 * @param queue the most requests that wait
 * @param cacheTokensUsed tokens of the pages of keys and values that are in use, for answers in
 *     progress and for requests that may begin alike; a page that several share counts once
 * @param cacheTokens the most of them that there is memory for
 * @param counters since the scheduler was made
 */
public record SchedulerStatus(
    int running,
    int waiting,
    int slots,
    int queue,
    long cacheTokensUsed,
    long cacheTokens,
    Counters counters) {

  /**
   * Sums.
   *
   * @param completed requests that were answered to the end
   * @param cancelled by {@link Ticket#cancel}, by a listener that stood still, or by draining
   * @param timedOut requests that took longer than they were allowed to
   * @param failed requests that ended with an exception
   * @param refused requests that found the queue full
   * @param promptTokens tokens of prompts whose reading has ended, the cached ones included
   * @param cachedTokens tokens of prompts that were not read anew
   * @param generatedTokens tokens of answers
   * @param draftedTokens of lossless answers that have ended, as the next
   * @param acceptedTokens drafts that were confirmed
   */
  public record Counters(
      long completed,
      long cancelled,
      long timedOut,
      long failed,
      long refused,
      long promptTokens,
      long cachedTokens,
      long generatedTokens,
      long draftedTokens,
      long acceptedTokens) {}
}
