package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Layers {@code first} to {@code last}, counted from 0, both included, that are shown together. */
public record LayerGroup(int first, int last) {
  private static final int MOST = 4;

  /** Every layer on its own where there are few, else four groups of about as many layers. */
  public static List<LayerGroup> of(int layers) {
    int count = Math.min(MOST, layers);
    List<LayerGroup> groups = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      groups.add(new LayerGroup(i * layers / count, (i + 1) * layers / count - 1));
    }
    return groups;
  }

  /** All layers. */
  public static LayerGroup all(int layers) {
    return new LayerGroup(0, layers - 1);
  }

  double mean(IntToDoubleFunction ofLayer) {
    return IntStream.rangeClosed(first, last).mapToDouble(ofLayer).average().orElseThrow();
  }

  /** {@code layer 3} or {@code layers 0..7}. */
  @Override
  public String toString() {
    return first == last ? "layer " + first : "layers " + first + ".." + last;
  }
}
