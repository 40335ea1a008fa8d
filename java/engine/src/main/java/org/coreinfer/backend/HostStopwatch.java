package org.coreinfer.backend;

/** The time of calls that compute before they return. */
final class HostStopwatch implements Stopwatch {
  private long begin;
  private long sum;

  @Override
  public void start() {
    begin = System.nanoTime();
  }

  @Override
  public void stop() {
    sum += System.nanoTime() - begin;
  }

  @Override
  public long takeNanos() {
    long taken = sum;
    sum = 0;
    return taken;
  }

  @Override
  public void close() {}
}
