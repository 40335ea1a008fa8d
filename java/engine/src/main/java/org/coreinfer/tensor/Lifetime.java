package org.coreinfer.tensor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Ends something that other threads may be using: work goes on between {@link #enter} and {@link
 * #exit}, {@link #close} forbids new work, and the release action runs once, when the last work has
 * ended. Thread-safe.
 */
public final class Lifetime {
  /** Something that hears of the end until it is taken back. */
  public interface Registration {
    void remove();
  }

  /** Work that needs two lifetimes, the outer one of which ends last. */
  public record Nested(Lifetime outer, Lifetime inner) {
    /**
     * Starts work in both.
     *
     * @throws IllegalStateException if one is closed
     */
    public void enter() {
      outer.enter();
      try {
        inner.enter();
      } catch (IllegalStateException e) {
        outer.exit();
        throw e;
      }
    }

    public void exit() {
      inner.exit();
      outer.exit();
    }

    public boolean isClosed() {
      return outer.isClosed() || inner.isClosed();
    }
  }

  private final String name;
  private final Runnable release;
  private final Map<Registration, Runnable> closingActions = new LinkedHashMap<>();
  private int inside;
  private boolean isClosing;

  /**
   * @param name what ends, for messages
   * @param release runs at most once, on the thread that closes or on the one that leaves last
   */
  public Lifetime(String name, Runnable release) {
    this.name = name;
    this.release = release;
  }

  /**
   * Starts work, which {@link #exit} must end.
   *
   * @throws IllegalStateException if it is closed
   */
  public synchronized void enter() {
    if (isClosing) {
      throw new IllegalStateException(name + " is closed");
    }
    inside++;
  }

  public void exit() {
    boolean isLast;
    synchronized (this) {
      inside--;
      isLast = isClosing && inside == 0;
    }
    if (isLast) {
      release.run();
    }
  }

  /**
   * Has work in progress told that it should end.
   *
   * @param action runs at most once, on the thread that closes; at once if it is closed already
   */
  public Registration onClosing(Runnable action) {
    Registration registration =
        new Registration() {
          @Override
          public void remove() {
            synchronized (Lifetime.this) {
              closingActions.remove(this);
            }
          }
        };
    synchronized (this) {
      if (!isClosing) {
        closingActions.put(registration, action);
        return registration;
      }
    }
    action.run();
    return registration;
  }

  /** Forbids new work. Does nothing when called again. */
  public void close() {
    boolean isIdle;
    List<Runnable> actions;
    synchronized (this) {
      if (isClosing) {
        return;
      }
      isClosing = true;
      isIdle = inside == 0;
      actions = List.copyOf(closingActions.values());
      closingActions.clear();
    }
    actions.forEach(Runnable::run);
    if (isIdle) {
      release.run();
    }
  }

  public synchronized boolean isClosed() {
    return isClosing;
  }
}
