/**
 * Text to token ids and back. {@link org.coreinfer.text.Tokenizers} reads a model's tokenizer from
 * any of the forms it comes in; {@link org.coreinfer.text.Tokenizer} is what the rest of the engine
 * sees. One text passes {@code AddedTokenSplitter}, {@code Normalizer}, {@code PreTokenizer} and
 * {@code BpeModel}, in this order.
 */
@NullMarked
package org.coreinfer.text;

import org.jspecify.annotations.NullMarked;
