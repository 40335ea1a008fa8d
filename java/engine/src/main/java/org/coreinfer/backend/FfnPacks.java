package org.coreinfer.backend;

import java.nio.IntBuffer;
import java.util.Arrays;
import org.coreinfer.binding.CpuKernels;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Copies of a layer's listed rows on the host, in the order in which decoding reads them
 * (include/coreinfer/host.h). They change no bit of a result, only its time. What is not packed is
 * read from the weights. Many threads may decode at once, but not while rows are packed.
 */
public final class FfnPacks implements AutoCloseable {
  private final Backend backend;
  private final CpuKernels kernels;
  private final FfnWeights weights;
  private final int capacity;
  private final Resources memory = new Resources();
  private final @Nullable NativeMemory up; // beside gate, where there is one
  private final @Nullable NativeMemory down;
  private @Nullable Order spare; // memory for it
  private @Nullable Order order; // of the rows of gate and up; null for that of the list

  private FfnPacks(Backend backend, CpuKernels kernels, FfnWeights weights, int capacity) {
    this.backend = backend;
    this.kernels = kernels;
    this.weights = weights;
    this.capacity = capacity;
    long upBytes = upBytes(backend, kernels, weights, capacity);
    long downBytes = downBytes(backend, kernels, weights, capacity);
    // One piece, so that it may lie in large pages.
    NativeMemory all = memory.own(backend.allocate("packed core rows", upBytes + downBytes));
    this.up = sliceOrNull(all, 0, upBytes);
    this.down = sliceOrNull(all, upBytes, downBytes);
  }

  /**
   * The bytes of packs for {@code capacity} neurons; 0 where packing gains nothing: on devices, on
   * processors and for dtypes that have no packs, and for activations that leave rows unread.
   */
  public static long bytes(Backend backend, FfnWeights weights, int capacity) {
    if (!(backend.kernels() instanceof CpuKernels kernels)
        || weights.activation() == Activation.RELU
        || weights.activation() == Activation.DRELU) {
      return 0;
    }
    return upBytes(backend, kernels, weights, capacity)
        + downBytes(backend, kernels, weights, capacity);
  }

  /**
   * Room for {@code capacity} neurons, which {@link #bytes} must allow.
   *
   * @throws org.coreinfer.error.OutOfNativeMemoryException if the system refuses
   */
  public static FfnPacks allocate(Backend backend, FfnWeights weights, int capacity) {
    if (!(backend.kernels() instanceof CpuKernels kernels)) {
      throw new IllegalArgumentException(backend + " packs nothing");
    }
    return new FfnPacks(backend, kernels, weights, capacity);
  }

  private static long upBytes(
      Backend backend, CpuKernels kernels, FfnWeights weights, int capacity) {
    int matrices = weights.gate() == null ? 1 : 2;
    return RowPacks.bytes(backend, kernels, weights.up(), matrices, capacity);
  }

  /** Plain down rows are read row by row as they are. */
  private static long downBytes(
      Backend backend, CpuKernels kernels, FfnWeights weights, int capacity) {
    return weights.down().dtype().isShared()
        ? RowPacks.bytes(backend, kernels, weights.down(), 1, capacity)
        : 0;
  }

  private static @Nullable NativeMemory sliceOrNull(NativeMemory all, long offset, long bytes) {
    return bytes == 0 ? null : all.slice(offset, bytes);
  }

  /** The most neurons that fit. */
  public int capacity() {
    return capacity;
  }

  /**
   * Packs the listed neurons; those that the same tokens use stand together.
   *
   * @param coreIds ascending neuron numbers, int32; null for the first ones
   * @param core how many, int32
   * @param users as in {@link #decode}
   */
  public void pack(
      @Nullable NativeMemory coreIds, NativeMemory core, @Nullable NativeMemory users) {
    int count = core.ints().get(0);
    if (count > capacity) {
      throw new IllegalArgumentException(count + " neurons do not fit into packs for " + capacity);
    }
    order = users == null ? null : orderBy(users, coreIds, count);
    @Nullable NativeMemory rows = order == null ? coreIds : order.ids;
    @Nullable Tensor gate = weights.gate();
    if (up != null && gate != null) {
      RowPacks.pack(backend, kernels, gate, weights.up(), rows, core, up);
    } else if (up != null) {
      RowPacks.pack(backend, kernels, weights.up(), null, rows, core, up);
    }
    if (down != null) {
      RowPacks.pack(backend, kernels, weights.down(), null, coreIds, core, down);
    }
  }

  /**
   * Entries of a list in another order, and their neurons.
   *
   * @param entries (capacity), int32
   * @param ids (capacity), int32
   */
  private record Order(NativeMemory entries, NativeMemory ids) {}

  /** Sorted by their users, of which neighbours differ little, as in Gray's code. */
  private Order orderBy(NativeMemory users, @Nullable NativeMemory coreIds, int count) {
    IntBuffer masks = users.ints();
    long[] keys = new long[count];
    for (int i = 0; i < count; i++) {
      int rank = masks.get(i);
      for (int shift = 1; shift < Integer.SIZE; shift *= 2) {
        rank ^= rank >>> shift;
      }
      keys[i] = (long) rank << Integer.SIZE | i;
    }
    Arrays.sort(keys);
    Order room = spare;
    if (room == null) {
      room =
          new Order(
              memory.own(backend.allocateInts("packed core rows", capacity)),
              memory.own(backend.allocateInts("packed core rows", capacity)));
      spare = room;
    }
    IntBuffer entries = room.entries.ints();
    IntBuffer ids = room.ids.ints();
    for (int i = 0; i < count; i++) {
      int entry = (int) keys[i];
      entries.put(i, entry);
      ids.put(i, coreIds == null ? entry : coreIds.ints().get(entry));
    }
    return room;
  }

  /** {@link FfnKernels#ffnDecode} with the neurons that were packed last. */
  public void decode(
      NativeMemory x,
      int tokens,
      @Nullable NativeMemory coreIds,
      NativeMemory core,
      @Nullable NativeMemory users,
      NativeMemory activations,
      NativeMemory y) {
    int neurons = weights.neurons();
    int dim = weights.dim();
    int status =
        kernels.ci_host_ffn_decode_packed(
            backend.context(),
            weights.activation().code(),
            weights.up().dtype().code(),
            NativeCalls.addressOrNull(weights.gate()),
            NativeCalls.address(weights.up()),
            NativeCalls.floatsOrNull(weights.gateBias(), neurons),
            NativeCalls.floatsOrNull(weights.upBias(), neurons),
            weights.down().dtype().code(),
            NativeCalls.address(weights.down()),
            NativeCalls.floatsOrNull(weights.downBias(), dim),
            addressOrNull(up),
            order == null ? 0 : order.entries.address(),
            addressOrNull(down),
            NativeCalls.floats(x, (long) tokens * dim),
            tokens,
            coreIds == null ? 0 : NativeCalls.ints(coreIds, neurons),
            NativeCalls.ints(core, 1),
            users == null ? 0 : NativeCalls.ints(users, neurons),
            neurons,
            dim,
            NativeCalls.floats(activations, (long) tokens * neurons),
            NativeCalls.floats(y, (long) tokens * dim));
    if (status != NativeCalls.OK) {
      throw backend.failure(
          status, "ci_host_ffn_decode_packed", "up=%s tokens=%d", weights.up(), tokens);
    }
  }

  private static long addressOrNull(@Nullable NativeMemory memory) {
    return memory == null ? 0 : memory.address();
  }

  @Override
  public void close() {
    memory.close();
  }
}
