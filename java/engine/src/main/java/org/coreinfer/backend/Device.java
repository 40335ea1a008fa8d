package org.coreinfer.backend;

import java.util.List;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;

/**
 * What a device with memory of its own offers beside {@link Kernels}; shapes and formulas are in
 * include/coreinfer/cuda.h.
 */
public interface Device {

  // ---- weights that do not fit ----

  /** A matrix in host memory as {@link #newFfnStream} copies it; the caller owns the memory. */
  Tensor placeForStreaming(Tensor source);

  /** The same for a down projection (dim, neurons), which becomes (neurons, dim). */
  Tensor placeDownForStreaming(Tensor down);

  /**
   * Layers that pass through the device.
   *
   * @param layers matrices of {@link #placeForStreaming}, biases of the device's memory; not owned
   */
  FfnStream newFfnStream(List<FfnWeights> layers);

  /** Copies a layer's listed rows; at most {@code packed.capacity()} are listed. */
  void pack(FfnWeights weights, NativeMemory coreIds, NativeMemory core, PackedFfn packed);

  /**
   * {@link Kernels#ffnDecode} over packed rows.
   *
   * @param weights of which only sizes and biases are read
   */
  void ffnDecodePacked(
      FfnWeights weights,
      PackedFfn packed,
      NativeMemory x,
      NativeMemory coreIds,
      NativeMemory core,
      NativeMemory activations,
      NativeMemory y);

  // ---- tokens ----

  /** Makes the first {@code count} tokens of {@code recent}, int32 all, less likely, in place. */
  void penalize(
      NativeMemory recent, NativeMemory count, float penalty, int vocabulary, NativeMemory logits);

  /** The most likely token, int32; -1 if every logit is NaN. */
  void pickBest(NativeMemory logits, int vocabulary, NativeMemory token);

  /**
   * Draws a token, int32; -1 if every logit is NaN.
   *
   * @param topK 0 for all
   * @param uniform a double in [0, 1)
   */
  void draw(
      NativeMemory logits,
      int vocabulary,
      float temperature,
      int topK,
      float topP,
      float minP,
      NativeMemory uniform,
      NativeMemory token);
}
