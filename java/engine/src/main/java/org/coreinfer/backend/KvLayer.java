package org.coreinfer.backend;

import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

/**
 * One layer's keys and values of a sequence.
 *
 * @param pages where kernels read the addresses of its pages, 8 bytes each
 * @param capacity positions that the list has room for
 * @param dtype F32 or F16
 */
public record KvLayer(NativeMemory pages, int capacity, DType dtype) {
  /** Positions of a page. */
  public static final int PAGE = 256;

  /** The pages of so many positions. */
  public static int pages(int positions) {
    return (positions + PAGE - 1) / PAGE;
  }

  /** The bytes of one page of a layer: (2, kv_heads, PAGE, head_dim). */
  public static long pageBytes(int kvDim, DType dtype) {
    return dtype.bytes(2L * PAGE * kvDim);
  }
}
