package org.coreinfer.backend;

import org.coreinfer.binding.NativeKernels;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Kernels that score neurons by their activations and choose the best, in the order of
 * include/coreinfer/kernels.h, which has shapes and formulas.
 */
public abstract class ScoreKernels extends NativeCalls {
  ScoreKernels(String deviceName, NativeKernels kernels, long context) {
    super(deviceName, kernels, context);
  }

  /**
   * Each token's strongest share {@code alpha} of positive (or, with magnitude, non-zero)
   * activations scores 1.
   */
  public void scoreTopShare(
      NativeMemory activations,
      int tokens,
      int neurons,
      boolean magnitude,
      double alpha,
      NativeMemory scores) {
    int status =
        kernels()
            .ci_score_top_share(
                context(),
                floats(activations, (long) tokens * neurons),
                tokens,
                neurons,
                magnitude ? 1 : 0,
                alpha,
                floats(scores, neurons));
    if (status != OK) {
      throw failure(
          status, "ci_score_top_share", "tokens=%d neurons=%d alpha=%s", tokens, neurons, alpha);
    }
  }

  /** Each token's {@code limit} largest activations score 1. */
  public void scoreTopK(
      NativeMemory activations, int tokens, int neurons, int limit, NativeMemory scores) {
    int status =
        kernels()
            .ci_score_top_k(
                context(),
                floats(activations, (long) tokens * neurons),
                tokens,
                neurons,
                limit,
                floats(scores, neurons));
    if (status != OK) {
      throw failure(
          status, "ci_score_top_k", "tokens=%d neurons=%d limit=%d", tokens, neurons, limit);
    }
  }

  /** The number of activations above 0. */
  public long countPositives(NativeMemory activations, long count) {
    long[] positives = new long[1];
    int status;
    beginWaiting();
    try {
      status =
          kernels().ci_score_positives(context(), floats(activations, count), count, positives);
    } finally {
      endWaiting();
    }
    if (status != OK) {
      throw failure(status, "ci_score_positives", "count=%d", count);
    }
    return positives[0];
  }

  /**
   * Adds squared activations, each token's divided by its sum of squares with {@code normalize}.
   */
  public void scoreEnergy(
      NativeMemory activations, int tokens, int neurons, boolean normalize, NativeMemory scores) {
    int status =
        kernels()
            .ci_score_energy(
                context(),
                floats(activations, (long) tokens * neurons),
                tokens,
                neurons,
                normalize ? 1 : 0,
                floats(scores, neurons));
    if (status != OK) {
      throw failure(status, "ci_score_energy", "tokens=%d neurons=%d", tokens, neurons);
    }
  }

  /**
   * Chooses the {@code count} neurons with the highest scores, each times its weight.
   *
   * @param weights (neurons), or null for 1
   * @param onlySeen whether neurons without a product above 0 are left out, down to one neuron
   * @param coreIds receives ascending neuron numbers, int32
   * @param core receives how many they are, int32
   */
  public void scoreSelect(
      NativeMemory scores,
      @Nullable NativeMemory weights,
      int neurons,
      int count,
      boolean onlySeen,
      NativeMemory coreIds,
      NativeMemory core) {
    int status =
        kernels()
            .ci_score_select(
                context(),
                floats(scores, neurons),
                floatsOrNull(weights, neurons),
                neurons,
                count,
                onlySeen ? 1 : 0,
                ints(coreIds, count),
                ints(core, 1));
    if (status != OK) {
      throw failure(status, "ci_score_select", "neurons=%d count=%d", neurons, count);
    }
  }

  /** Multiplies the first {@code count} scores by a factor that is not negative. */
  public void scoreScale(double factor, long count, NativeMemory scores) {
    int status = kernels().ci_score_scale(context(), factor, count, floats(scores, count));
    if (status != OK) {
      throw failure(status, "ci_score_scale", "factor=%s count=%d", factor, count);
    }
  }

  /**
   * The share of all scores, each times its weight, that neurons outside of a list have.
   *
   * @param weights (neurons), or null for 1
   * @param coreIds ascending neuron numbers, int32
   * @param core how many they are, int32
   * @param share receives it: one float in 0..1
   */
  public void scoreOutside(
      NativeMemory scores,
      @Nullable NativeMemory weights,
      int neurons,
      NativeMemory coreIds,
      NativeMemory core,
      NativeMemory share) {
    int status =
        kernels()
            .ci_score_outside(
                context(),
                floats(scores, neurons),
                floatsOrNull(weights, neurons),
                neurons,
                ints(coreIds, 1),
                ints(core, 1),
                floats(share, 1));
    if (status != OK) {
      throw failure(status, "ci_score_outside", "neurons=%d", neurons);
    }
  }
}
