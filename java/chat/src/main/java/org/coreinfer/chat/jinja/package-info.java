/**
 * The part of Jinja that chat templates are written in, as Python's jinja2 does it in the settings
 * of Hugging Face Transformers. Start at {@link org.coreinfer.chat.jinja.JinjaTemplate}.
 *
 * <p>A source passes {@code Lexer} and {@code Parser}, which make closures of it: {@code Statement}
 * and {@code Expression}. Their values are Java's {@code Boolean}, {@code Long}, {@code
 * BigInteger}, {@code Double}, {@code List} and {@code Map}, and {@code Text}, {@code Tuple},
 * {@code None}, {@code Undefined}, {@code Namespace} and {@code Callable}; nothing else can be
 * reached from a template, and {@code Budget} ends those that don't end by themselves. What jinja2
 * has and this package lacks is refused by name.
 */
@NullMarked
package org.coreinfer.chat.jinja;

import org.jspecify.annotations.NullMarked;
