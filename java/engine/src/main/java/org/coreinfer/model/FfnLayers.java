package org.coreinfer.model;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnStream;
import org.coreinfer.backend.FfnWeights;
import org.jspecify.annotations.Nullable;

/**
 * All layers' FFN weights: where kernels read them or, of a model that does not fit, in host
 * memory, from where they are streamed.
 */
final class FfnLayers implements AutoCloseable {
  private static final int RESIDENT = -1;

  private final List<FfnWeights> weights;
  private final int[] numbers; // in the stream
  private final @Nullable FfnStream stream;
  private final PackRooms rooms;
  private final CorePacks dense;

  /**
   * @param isStreamed by layer
   */
  FfnLayers(Backend backend, List<FfnWeights> weights, IntPredicate isStreamed) {
    this.weights = List.copyOf(weights);
    this.numbers = new int[weights.size()];
    int streamed = 0;
    for (int layer = 0; layer < numbers.length; layer++) {
      numbers[layer] = isStreamed.test(layer) ? streamed++ : RESIDENT;
    }
    List<FfnWeights> passing =
        IntStream.range(0, numbers.length).filter(this::isStreamed).mapToObj(weights::get).toList();
    this.stream = passing.isEmpty() ? null : backend.device().newFfnStream(passing);
    this.rooms = new PackRooms(backend, this.weights);
    this.dense = new CorePacks(rooms);
  }

  /** No rows yet, for lists of one sequence or several; the caller closes them. */
  CorePacks newPacks() {
    return new CorePacks(rooms);
  }

  /** Packed rows of all neurons, which every sequence that decodes densely reads. */
  CorePacks dense() {
    return dense;
  }

  boolean isStreamed(int layer) {
    return numbers[layer] != RESIDENT;
  }

  /** A layer's sizes and biases; its matrices may lie where only {@link Pass} reaches them. */
  FfnWeights weights(int layer) {
    return weights.get(layer);
  }

  List<FfnWeights> all() {
    return weights;
  }

  /**
   * Begins to visit layers in ascending order.
   *
   * @param visits says which streamed layers will be visited
   */
  Pass open(Backend queue, IntPredicate visits) {
    if (stream == null) {
      return new Pass(null);
    }
    int[] visited =
        IntStream.range(0, numbers.length)
            .filter(layer -> isStreamed(layer) && visits.test(layer))
            .map(layer -> numbers[layer])
            .toArray();
    return new Pass(visited.length == 0 ? null : stream.open(queue, visited));
  }

  /** Weights for the calls of one pass. */
  final class Pass implements AutoCloseable {
    private final FfnStream.@Nullable Pass streamed;

    private Pass(FfnStream.@Nullable Pass streamed) {
      this.streamed = streamed;
    }

    /** A layer's weights for calls until {@link #done}. */
    FfnWeights layer(int layer) {
      return streamed != null && isStreamed(layer)
          ? streamed.layer(numbers[layer])
          : weights.get(layer);
    }

    void done(int layer) {
      if (streamed != null && isStreamed(layer)) {
        streamed.done(numbers[layer]);
      }
    }

    @Override
    public void close() {
      if (streamed != null) {
        streamed.close();
      }
    }
  }

  @Override
  public void close() {
    dense.close();
    rooms.close();
    if (stream != null) {
      stream.close();
    }
  }
}
