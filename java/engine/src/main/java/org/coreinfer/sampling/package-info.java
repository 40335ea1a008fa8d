/** From logits to the next token: {@link org.coreinfer.sampling.Sampler}. */
@NullMarked
package org.coreinfer.sampling;

import org.jspecify.annotations.NullMarked;
