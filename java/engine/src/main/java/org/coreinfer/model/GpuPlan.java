package org.coreinfer.model;

import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.model.ModelSizes.FfnSizes;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * What of a model lies in a GPU's memory, what is streamed to it, and how fast that can be. FFN
 * layers that do not fit stay in host memory: prompts stream them, and of their neurons the core
 * ones are kept on the GPU, so that decoding does not wait for the bus. All sizes are in bytes.
 *
 * @param limit that may be used
 * @param fixed embeddings, attention, norms and biases
 * @param cache keys and values of one session
 * @param scratch activations, neuron lists and workspace of one session
 * @param residentFfn layers' FFN weights that fit
 * @param packedFfn core rows of the layers that do not
 * @param staging slots through which those layers pass
 * @param streamedLayers the layers whose FFN weights stay in host memory
 * @param streamedFfn their bytes, pinned in host memory
 * @param tokenReads that decoding a token reads from the GPU's memory
 * @param tokenStreams that decoding a token copies over the bus
 * @param rates of the GPU's memory and of the bus
 */
public record GpuPlan(
    String model,
    int context,
    long limit,
    long fixed,
    long cache,
    long scratch,
    long residentFfn,
    long packedFfn,
    long staging,
    List<Integer> streamedLayers,
    long streamedFfn,
    long tokenReads,
    long tokenStreams,
    Rates rates) {

  /**
   * Bytes per second.
   *
   * @param memory 0 if unknown
   */
  public record Rates(double memory, double bus, boolean isBusMeasured) {
    /** Of a PCI Express 4.0 bus with 16 lanes. */
    public static final double ASSUMED_BUS = 25e9;
  }

  private static final int SLOTS = 2;
  private static final long SMALL_THINGS = 64 << 10; // numbers per token, gaps between matrices

  /**
   * Plans one session.
   *
   * @param mostListed for each layer the most neurons that decoding computes
   * @param workspace that the backend needs beside
   * @throws OutOfNativeMemoryException if the limit is too low, with the one that would do
   */
  public static GpuPlan of(
      ModelSizes sizes,
      int context,
      int chunk,
      DType cacheDtype,
      IntUnaryOperator mostListed,
      long limit,
      long workspace,
      Rates rates) {
    ModelConfig config = sizes.config();
    long fixed = sizes.fixedBytes(context);
    long cache = DecoderState.cacheBytes(config, context, cacheDtype);
    long scratch =
        DecoderState.scratchBytes(config, context, chunk)
            + DecoderState.listBytes(config)
            + 2L * config.layers() * config.neurons() * Float.BYTES // scores, norms of down rows
            + SMALL_THINGS
            + workspace;
    long others = fixed + cache + scratch;
    Placement placement = Placement.of(sizes, mostListed, limit - others);
    if (placement == null) {
      throw refusal(sizes, context, limit, others, Placement.least(sizes, mostListed));
    }
    return new GpuPlan(
        sizes.name(),
        context,
        limit,
        fixed,
        cache,
        scratch,
        placement.resident,
        placement.packed,
        placement.staging,
        placement.streamed,
        placement.streamed.stream().mapToLong(layer -> sizes.ffn().get(layer).bytes()).sum(),
        sizes.tokenBytes() + placement.tokenReads,
        placement.tokenStreams,
        rates);
  }

  private static OutOfNativeMemoryException refusal(
      ModelSizes sizes, int context, long limit, long others, long leastFfn) {
    return new OutOfNativeMemoryException(
        "%s needs at least %s of GPU memory with a context of %d tokens (%s beside the FFN, %s for it) and %s may be used: allow that much, or use a smaller context or keep"
            .formatted(
                sizes.name(),
                MemoryPlan.size(others + leastFfn),
                context,
                MemoryPlan.size(others),
                MemoryPlan.size(leastFfn),
                MemoryPlan.size(limit)),
        others + leastFfn);
  }

  /** How the FFN's layers are spread. */
  private record Placement(
      long resident,
      long packed,
      long staging,
      List<Integer> streamed,
      long tokenReads,
      long tokenStreams) {

    /** As many layers as fit, those first whose every neuron is decoded; null if none do. */
    static @Nullable Placement of(ModelSizes sizes, IntUnaryOperator mostListed, long room) {
      int layers = sizes.ffn().size();
      BitSet streamed = new BitSet(layers);
      streamed.set(0, layers);
      List<Integer> order =
          IntStream.range(0, layers)
              .boxed()
              .sorted(Comparator.comparing(layer -> isDense(sizes, mostListed, layer) ? 0 : 1))
              .toList();
      Placement best = fitting(spread(sizes, mostListed, streamed), room, null);
      for (int layer : order) {
        streamed.clear(layer);
        best = fitting(spread(sizes, mostListed, streamed), room, best);
      }
      return best;
    }

    private static @Nullable Placement fitting(
        Placement placement, long room, @Nullable Placement otherwise) {
      return placement.bytes() <= room ? placement : otherwise;
    }

    private static boolean isDense(ModelSizes sizes, IntUnaryOperator mostListed, int layer) {
      return mostListed.applyAsInt(layer) >= sizes.config().neurons();
    }

    private static Placement spread(
        ModelSizes sizes, IntUnaryOperator mostListed, BitSet streamed) {
      long resident = 0;
      long packed = 0;
      long slot = 0;
      long reads = 0;
      long streams = 0;
      for (int layer = 0; layer < sizes.ffn().size(); layer++) {
        FfnSizes ffn = sizes.ffn().get(layer);
        int listed = Math.min(mostListed.applyAsInt(layer), sizes.config().neurons());
        boolean isStreamed = streamed.get(layer);
        boolean isCrossing = isStreamed && isDense(sizes, mostListed, layer);
        reads += ffn.bytes() / sizes.config().neurons() * listed;
        streams += isCrossing ? ffn.bytes() : 0;
        resident += isStreamed ? 0 : ffn.bytes();
        packed += isStreamed && !isCrossing ? ffn.packedBytes(sizes.config(), listed) : 0;
        slot = isStreamed ? Math.max(slot, ffn.bytes()) : slot;
      }
      List<Integer> ascending = streamed.stream().boxed().toList();
      return new Placement(resident, packed, SLOTS * slot, ascending, reads, streams);
    }

    static long least(ModelSizes sizes, IntUnaryOperator mostListed) {
      BitSet all = new BitSet();
      all.set(0, sizes.ffn().size());
      return Math.min(
          spread(sizes, mostListed, all).bytes(), spread(sizes, mostListed, new BitSet()).bytes());
    }

    long bytes() {
      return resident + packed + staging;
    }
  }

  /** Bytes of the GPU's memory that one session takes. */
  public long needed() {
    return fixed + cache + scratch + residentFfn + packedFfn + staging;
  }

  public boolean isStreamed(int layer) {
    return streamedLayers.contains(layer);
  }

  /** Whether some layer's FFN weights stay in host memory. */
  public boolean isStreaming() {
    return !streamedLayers.isEmpty();
  }

  /** The same plan with other rates. */
  public GpuPlan withRates(Rates other) {
    return new GpuPlan(
        model,
        context,
        limit,
        fixed,
        cache,
        scratch,
        residentFfn,
        packedFfn,
        staging,
        streamedLayers,
        streamedFfn,
        tokenReads,
        tokenStreams,
        other);
  }

  /** Tokens that decoding can't exceed in a second; infinite if nothing is known to limit it. */
  public double tokensPerSecond() {
    double seconds = tokenStreams / rates.bus;
    if (rates.memory > 0) {
      seconds += tokenReads / rates.memory;
    }
    return 1 / seconds;
  }

  /** One line for people. */
  public String sentence() {
    String where =
        isStreaming()
            ? String.format(
                Locale.ROOT,
                "%s of FFN weights in %d layers are streamed from host memory, %s of their core"
                    + " neurons kept",
                MemoryPlan.size(streamedFfn),
                streamedLayers.size(),
                MemoryPlan.size(packedFfn))
            : "everything is resident";
    return String.format(
        Locale.ROOT,
        "GPU memory: %s of %s for a context of %d tokens; %s; %s",
        MemoryPlan.size(needed()),
        MemoryPlan.size(limit),
        context,
        where,
        speed());
  }

  private String speed() {
    double most = tokensPerSecond();
    if (Double.isInfinite(most)) {
      return "decoding does not use the bus";
    }
    String bus =
        String.format(
            Locale.ROOT,
            "%s over the bus at %.1f GB/s, %s",
            MemoryPlan.size(tokenStreams),
            rates.bus / 1e9,
            rates.isBusMeasured ? "measured" : "assumed");
    String reads = MemoryPlan.size(tokenReads) + " of GPU memory";
    return String.format(
        Locale.ROOT,
        "at most %.1f tokens/s (a token reads %s)",
        most,
        tokenStreams > 0 ? reads + " and " + bus : reads);
  }
}
