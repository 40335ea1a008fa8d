package org.coreinfer.hub;

/** Hears how a download goes on; may throw to end it, and it can be taken up again later. */
public interface PullListener {
  /**
   * What is to be downloaded.
   *
   * @param files how many
   * @param bytes of all of them
   */
  default void begins(int files, long bytes) {}

  /**
   * Called many times a second, also while nothing comes.
   *
   * @param bytes that are here, of all files
   */
  default void progress(long bytes) {}

  /** A sentence about something that went wrong and is tried again. */
  default void note(String sentence) {}
}
