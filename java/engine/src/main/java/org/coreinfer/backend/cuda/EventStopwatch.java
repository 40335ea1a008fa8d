package org.coreinfer.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.backend.Stopwatch;

/** Measures with events in the stream, so that nothing waits while work is queued. */
final class EventStopwatch implements Stopwatch {
  private final CudaRuntime runtime;
  private final long stream;
  private final List<Long> events = new ArrayList<>(); // begin, end, begin, end ...
  private int used;

  EventStopwatch(CudaRuntime runtime, long stream) {
    this.runtime = runtime;
    this.stream = stream;
  }

  @Override
  public void start() {
    mark();
  }

  @Override
  public void stop() {
    mark();
  }

  private void mark() {
    if (used == events.size()) {
      events.add(runtime.newEvent(true));
    }
    runtime.recordEvent(events.get(used++), stream);
  }

  @Override
  public long takeNanos() {
    double milliseconds = 0;
    int pairs = used / 2; // an exception may have left a start without its stop
    used = 0;
    for (int i = 0; i < pairs; i++) {
      runtime.awaitEvent(events.get(2 * i + 1));
      milliseconds += runtime.milliseconds(events.get(2 * i), events.get(2 * i + 1));
    }
    return Math.round(milliseconds * 1e6);
  }

  @Override
  public void close() {
    events.forEach(runtime::closeEvent);
    events.clear();
    used = 0;
  }
}
