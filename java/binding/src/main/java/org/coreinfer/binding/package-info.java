/**
 * The native kernels as Java sees them. {@link org.coreinfer.binding.NativeKernels} is the contract
 * of include/coreinfer/kernels.h; {@code CpuKernels} is generated from the header by JavaCPP.
 * Nothing here checks arguments: org.coreinfer.backend does.
 */
@NullMarked
package org.coreinfer.binding;

import org.jspecify.annotations.NullMarked;
