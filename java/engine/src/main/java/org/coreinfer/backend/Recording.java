package org.coreinfer.backend;

/**
 * Work that is done again and again with the same memory: what changes between runs is in that
 * memory. A device may record the calls once and repeat them without the JVM.
 */
public interface Recording extends AutoCloseable {
  /** Does the work; on a device it is queued. */
  void run();

  @Override
  void close();
}
