/**
 * From tokens to logits. {@link org.coreinfer.model.Decoder} runs the layers; package {@code
 * family} tells how each model family is made of them. Weights never change after loading; all
 * state is in a {@link org.coreinfer.model.DecoderState}.
 */
@NullMarked
package org.coreinfer.model;

import org.jspecify.annotations.NullMarked;
