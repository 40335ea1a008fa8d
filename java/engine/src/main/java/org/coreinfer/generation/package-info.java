/**
 * Text from text: {@link org.coreinfer.generation.TokenStream} reads a prompt, chooses neurons, and
 * yields a token at each step.
 */
@NullMarked
package org.coreinfer.generation;

import org.jspecify.annotations.NullMarked;
