package org.coreinfer.serving;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where submitting threads and the computing thread meet: jobs that wait for a slot, in order, and
 * all that are not over. Thread-safe.
 */
final class WaitingRoom {
  private final int slots;
  private final int most;
  private final Deque<Job> waiting = new ArrayDeque<>();
  private final Set<Job> open = new LinkedHashSet<>();
  private int running;
  private boolean isSignalled;
  private boolean isShut; // to new jobs
  private boolean isStopping;

  /**
   * @param slots jobs that may run at once
   * @param most jobs that may wait for a slot
   */
  WaitingRoom(int slots, int most) {
    this.slots = slots;
    this.most = most;
  }

  /**
   * Lets a job in.
   *
   * @return false if there is no room
   * @throws IllegalStateException if it is shut
   */
  synchronized boolean enter(Job job) {
    if (isShut) {
      throw new IllegalStateException("the scheduler takes no more requests: it is closing");
    }
    if (waiting.size() >= most + slots - running) {
      return false;
    }
    waiting.add(job);
    open.add(job);
    wake();
    return true;
  }

  synchronized int waiting() {
    return waiting.size();
  }

  synchronized int running() {
    return running;
  }

  /** Gives the job that has waited longest a slot; null if none waits, or no slot is free. */
  synchronized @Nullable Job admit() {
    if (running >= slots || waiting.isEmpty()) {
      return null;
    }
    running++;
    return waiting.remove();
  }

  /** Takes a slot back. */
  synchronized void freeSlot() {
    running--;
    notifyAll();
  }

  /** The jobs that must end before they began. */
  synchronized List<Job> interrupted() {
    return waiting.stream().filter(job -> job.interruption() != null).toList();
  }

  /** Takes a job out that waits. */
  synchronized void remove(Job job) {
    waiting.remove(job);
  }

  /** Takes all jobs out that wait. */
  synchronized List<Job> takeAll() {
    List<Job> all = List.copyOf(waiting);
    waiting.clear();
    return all;
  }

  /** Counts a job as over. */
  synchronized void leave(Job job) {
    open.remove(job);
    notifyAll();
  }

  synchronized List<Job> open() {
    return List.copyOf(open);
  }

  /** Ends the computing thread's {@link #await}, or the next one. */
  synchronized void wake() {
    isSignalled = true;
    notifyAll();
  }

  /**
   * Waits until something may have changed.
   *
   * @param millis the most to wait; 0 for no limit
   */
  synchronized void await(long millis) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    while (!isSignalled) {
      long left = millis == 0 ? 0 : TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (millis > 0 && left <= 0) {
        break;
      }
      wait(left);
    }
    isSignalled = false;
  }

  /** Lets no more jobs in. */
  synchronized void shut() {
    isShut = true;
  }

  /** Lets no more jobs in and asks the computing thread to end after the last one. */
  synchronized void stop() {
    isShut = true;
    isStopping = true;
    wake();
  }

  /** Whether the computing thread should end, as there is nothing left to do. */
  synchronized boolean isDone() {
    return isStopping && running == 0 && waiting.isEmpty();
  }

  /**
   * Waits until every job is over.
   *
   * @return false if the limit came first
   */
  synchronized boolean awaitEmpty(Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (!open.isEmpty() || running > 0) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }
}
