package org.coreinfer.backend;

import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;

/**
 * One layer's keys and values, each (kv_heads, capacity, head_dim).
 *
 * @param dtype F32 or F16
 */
public record KvLayer(NativeMemory keys, NativeMemory values, int capacity, DType dtype) {}
