package org.coreinfer.core;

import java.util.Map;
import java.util.TreeMap;
import org.coreinfer.core.NeuronScores.Snapshot;
import org.jspecify.annotations.Nullable;

/**
 * What {@link NeuronScores} were at earlier points of their sequence: at multiples of a number of
 * tokens, which doubles when there are too many of them. For one thread.
 */
public final class ScoreHistory {
  private static final int MOST = 64;

  private final TreeMap<Integer, Point> points = new TreeMap<>();
  private int interval;

  /**
   * @param interval tokens between points at first, a multiple of {@link NeuronScores#BLOCK}
   */
  public ScoreHistory(int interval) {
    if (interval < 1 || interval % NeuronScores.BLOCK != 0) {
      throw new IllegalArgumentException(
          "interval=%d: expected a multiple of %d".formatted(interval, NeuronScores.BLOCK));
    }
    this.interval = interval;
  }

  /** Scores when the first {@code position} tokens had been read. */
  public record Point(int position, Snapshot snapshot) {}

  /** Tokens between points. */
  public int interval() {
    return interval;
  }

  boolean wants(int position) {
    return position % interval == 0;
  }

  /** The snapshot for a position, which may be in the making, layer by layer. */
  Snapshot at(int position, Snapshot blank) {
    Point point = points.computeIfAbsent(position, key -> new Point(key, blank));
    if (points.size() > MOST) {
      interval *= 2;
      points.keySet().removeIf(each -> each != position && !wants(each));
    }
    return point.snapshot();
  }

  /** The last point at or before a position; null if there is none. */
  public @Nullable Point floor(int position) {
    Map.Entry<Integer, Point> entry = points.floorEntry(position);
    return entry == null ? null : entry.getValue();
  }

  /** What it has of the first tokens, which both then go on from, each for itself. */
  public ScoreHistory beginning(int position) {
    ScoreHistory beginning = new ScoreHistory(interval);
    beginning.points.putAll(points.headMap(position, true));
    return beginning;
  }

  /** Becomes what another one is, which must not be used any more. */
  public void become(ScoreHistory other) {
    points.clear();
    points.putAll(other.points);
    interval = other.interval;
  }

  /** Forgets all points after a position. */
  public void truncate(int position) {
    points.tailMap(position, false).clear();
  }
}
