/** What numbers are stored in: dtypes, native memory, tensors. Nothing here computes. */
@NullMarked
package org.coreinfer.tensor;

import org.jspecify.annotations.NullMarked;
