package org.coreinfer.backend;

import org.coreinfer.binding.NativeKernels;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A context's kernels of the feed-forward layer, as {@link Kernels} says. */
public abstract class FfnKernels extends ScoreKernels {
  /** The most tokens that functions of decode take at once. */
  public static final int DECODE_TOKENS = 16;

  /**
   * @param deviceName for messages
   */
  FfnKernels(String deviceName, NativeKernels kernels, long context) {
    super(deviceName, kernels, context);
  }

  /**
   * Dense FFN of {@code tokens} rows of x, added to y; activations (tokens, neurons) stay to be
   * scored.
   */
  public void ffnPrefill(
      FfnWeights weights, NativeMemory x, int tokens, NativeMemory activations, NativeMemory y) {
    int neurons = weights.neurons();
    int dim = weights.dim();
    int status =
        kernels()
            .ci_ffn_prefill(
                context(),
                weights.activation().code(),
                weights.up().dtype().code(),
                addressOrNull(weights.gate()),
                address(weights.up()),
                floatsOrNull(weights.gateBias(), neurons),
                floatsOrNull(weights.upBias(), neurons),
                weights.down().dtype().code(),
                address(weights.down()),
                floatsOrNull(weights.downBias(), dim),
                floats(x, (long) tokens * dim),
                tokens,
                neurons,
                dim,
                floats(activations, (long) tokens * neurons),
                floats(y, (long) tokens * dim));
    if (status != OK) {
      throw failure(status, "ci_ffn_prefill", "up=%s tokens=%d", weights.up(), tokens);
    }
  }

  /**
   * FFN of up to {@link #DECODE_TOKENS} tokens over the listed neurons only, added to y.
   *
   * @param coreIds ascending neuron numbers, int32; null for the first ones
   * @param core how many, int32
   * @param activations (tokens, neurons), of which the first ones of each row are written
   */
  public void ffnDecode(
      FfnWeights weights,
      NativeMemory x,
      int tokens,
      @Nullable NativeMemory coreIds,
      NativeMemory core,
      NativeMemory activations,
      NativeMemory y) {
    ffnDecode(weights, x, tokens, coreIds, core, null, activations, y);
  }

  /**
   * The same for tokens that use different neurons of the list; each gets the bits that it gets
   * alone with its own.
   *
   * @param users for each listed neuron the tokens that use it, int32: bit t for token t; null when
   *     all use all
   * @param activations (tokens, neurons), scratch
   */
  public void ffnDecode(
      FfnWeights weights,
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
        kernels()
            .ci_ffn_decode(
                context(),
                weights.activation().code(),
                weights.up().dtype().code(),
                addressOrNull(weights.gate()),
                address(weights.up()),
                floatsOrNull(weights.gateBias(), neurons),
                floatsOrNull(weights.upBias(), neurons),
                weights.down().dtype().code(),
                address(weights.down()),
                floatsOrNull(weights.downBias(), dim),
                floats(x, (long) tokens * dim),
                tokens,
                coreIds == null ? 0 : ints(coreIds, neurons),
                ints(core, 1),
                users == null ? 0 : ints(users, neurons),
                neurons,
                dim,
                floats(activations, (long) tokens * neurons),
                floats(y, (long) tokens * dim));
    if (status != OK) {
      throw failure(status, "ci_ffn_decode", "up=%s tokens=%d", weights.up(), tokens);
    }
  }

  /** norms[n] = L2 norm of row n. */
  public void rowNorms(Tensor weight, NativeMemory norms) {
    int status =
        kernels()
            .ci_ffn_row_norms(
                context(),
                weight.dtype().code(),
                address(weight),
                weight.rows(),
                weight.columns(),
                floats(norms, weight.rows()));
    if (status != OK) {
      throw failure(status, "ci_ffn_row_norms", "weight=%s", weight);
    }
  }
}
