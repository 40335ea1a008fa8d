/**
 * Model files: GGUF and Hugging Face folders, mapped and checked. {@link
 * org.coreinfer.weights.WeightFile} is the start.
 */
@NullMarked
package org.coreinfer.weights;

import org.jspecify.annotations.NullMarked;
