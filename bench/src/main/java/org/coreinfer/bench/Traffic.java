package org.coreinfer.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * Counts what operations read beside their number; JMH divides it by the time, so that {@code
 * megabytes} is a rate in MB/s (10^6 bytes), although JMH's table says ops/s.
 */
@AuxCounters
@State(Scope.Thread)
public class Traffic {
  public double megabytes;

  void read(long bytes) {
    megabytes += bytes * 1e-6;
  }
}
