/**
 * The CUDA backend. {@link org.coreinfer.backend.cuda.Cuda} says whether it can be used here and
 * opens it; {@link org.coreinfer.backend.cuda.CudaBackend} is a queue of one GPU; {@link
 * org.coreinfer.backend.cuda.CudaRuntime} is what it needs of NVIDIA's libraries, which only {@code
 * Presets} touches.
 */
@NullMarked
package org.coreinfer.backend.cuda;

import org.jspecify.annotations.NullMarked;
