/**
 * A model of this engine for LangChain4j, in the same process: {@link
 * org.coreinfer.langchain4j.CoreInferChatModel} and {@link
 * org.coreinfer.langchain4j.CoreInferStreamingChatModel}.
 *
 * <p>A request passes {@code ChatEngine}, which makes a prompt of its messages ({@code Messages},
 * {@code Tools}) and gives it to the engine's scheduler; {@code AnswerParts} makes LangChain4j's
 * objects of what comes back, at once ({@code WholeAnswer}) or piece by piece ({@code
 * StreamedAnswer}).
 */
@NullMarked
package org.coreinfer.langchain4j;

import org.jspecify.annotations.NullMarked;
