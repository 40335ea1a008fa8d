package org.coreinfer.serving;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What one listener has yet to hear. It hears it in order on a thread of its own while there is
 * something, so one that blocks delays nobody else. Thread-safe.
 */
final class Delivery {
  private static final System.Logger LOGGER = System.getLogger(Delivery.class.getName());
  private static final double NOTHING = -1;

  /** What others want to know of it; called without a lock. */
  interface Observer {
    /** There is room again. */
    void hasRoom();

    /** The listener has heard the end, or has thrown something, which is given. */
    void isOver(@Nullable RuntimeException thrown);
  }

  private final AnswerListener listener;
  private final Executor threads;
  private final int capacity;
  private final Observer observer;
  private final Deque<Consumer<AnswerListener>> events = new ArrayDeque<>();
  private double progress = NOTHING;
  private boolean isRunning;
  private boolean isEnding; // the last event was posted
  private boolean isOver;
  private long fullSince; // System.nanoTime(), while it is full
  private @Nullable Thread inListener;

  /**
   * @param threads runs tasks at once, each on its own thread
   * @param capacity events that wait for the listener before it counts as slow
   */
  Delivery(AnswerListener listener, Executor threads, int capacity, Observer observer) {
    this.listener = listener;
    this.threads = threads;
    this.capacity = capacity;
    this.observer = observer;
  }

  /** Tells how far the prompt was read, unless something newer comes first. */
  void progress(double fraction) {
    synchronized (this) {
      if (isEnding || isOver) {
        return;
      }
      progress = fraction;
    }
    run();
  }

  void post(Consumer<AnswerListener> event) {
    synchronized (this) {
      if (isEnding || isOver) {
        return;
      }
      add(event);
    }
    run();
  }

  /** Posts the last event: {@code onEnd} or {@code onFailure}. */
  void end(Consumer<AnswerListener> event) {
    synchronized (this) {
      if (isEnding || isOver) {
        return;
      }
      add(event);
      isEnding = true;
    }
    run();
  }

  private void add(Consumer<AnswerListener> event) {
    progress = NOTHING;
    events.add(event);
    if (events.size() == capacity) {
      fullSince = System.nanoTime();
    }
  }

  /** Whether the listener is so far behind that its answer should wait. */
  synchronized boolean isFull() {
    return events.size() >= capacity && !isOver;
  }

  /** How long it has been full without the listener taking anything; 0 if it isn't. */
  synchronized long fullNanos() {
    return isFull() ? System.nanoTime() - fullSince : 0;
  }

  synchronized boolean isOver() {
    return isOver;
  }

  /** Interrupts a listener that is busy, and forgets what it has not heard but the last event. */
  synchronized void hurry() {
    if (events.size() > 1) {
      Consumer<AnswerListener> last = events.getLast();
      events.clear();
      if (isEnding) {
        events.add(last);
      }
    }
    if (inListener != null) {
      inListener.interrupt();
    }
  }

  private void run() {
    synchronized (this) {
      if (isRunning) {
        return;
      }
      isRunning = true;
    }
    threads.execute(this::drain);
  }

  private void drain() {
    Consumer<AnswerListener> event = take();
    while (event != null) {
      RuntimeException thrown = tell(event);
      if (thrown != null) {
        fail(thrown);
        return;
      }
      event = take();
    }
  }

  /** The next event; null if there is none, and then this task ends. */
  private @Nullable Consumer<AnswerListener> take() {
    boolean hadNoRoom;
    boolean ends = false;
    Consumer<AnswerListener> event;
    synchronized (this) {
      hadNoRoom = isFull();
      event = next();
      fullSince = System.nanoTime();
      if (event == null) {
        isRunning = false;
        ends = isEnding && !isOver;
        isOver |= ends;
      }
    }
    if (hadNoRoom) {
      observer.hasRoom();
    }
    if (ends) {
      observer.isOver(null);
    }
    return event;
  }

  private @Nullable Consumer<AnswerListener> next() {
    if (progress != NOTHING) {
      double fraction = progress;
      progress = NOTHING;
      return heard -> heard.onPrefill(fraction);
    }
    return events.poll();
  }

  @SuppressWarnings("Interruption") // only of the listener, and only while it runs
  private @Nullable RuntimeException tell(Consumer<AnswerListener> event) {
    synchronized (this) {
      inListener = Thread.currentThread();
    }
    try {
      event.accept(listener);
      return null;
    } catch (RuntimeException e) {
      return e;
    } catch (Error e) {
      return new IllegalStateException("the listener failed: " + e, e);
    } finally {
      synchronized (this) {
        inListener = null;
        Thread.interrupted(); // what hurry() left
      }
    }
  }

  private void fail(RuntimeException thrown) {
    boolean wasLast;
    synchronized (this) {
      wasLast = isEnding && events.isEmpty();
      events.clear();
      isOver = true;
    }
    if (wasLast) {
      LOGGER.log(System.Logger.Level.WARNING, "a listener failed at the end of an answer", thrown);
    } else {
      RuntimeException again = tell(heard -> heard.onFailure(thrown));
      if (again != null) {
        LOGGER.log(System.Logger.Level.WARNING, "a listener failed to hear of its failure", again);
      }
    }
    observer.isOver(thrown);
  }
}
