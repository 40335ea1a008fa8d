/**
 * From logits to the next token: {@link org.coreinfer.sampling.Samplers} makes a {@link
 * org.coreinfer.sampling.Sampler} for each answer, on the device where there is one.
 */
@NullMarked
package org.coreinfer.sampling;

import org.jspecify.annotations.NullMarked;
