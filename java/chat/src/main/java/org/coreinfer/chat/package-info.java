/**
 * Conversations. A {@link org.coreinfer.chat.ChatTemplate} writes messages as the model was trained
 * to read them, a {@link org.coreinfer.chat.ChatPrompt} makes tokens of that without letting what
 * people wrote become special tokens, and a {@link org.coreinfer.chat.ToolCallParser} finds the
 * calls in an answer:
 *
 * <pre>{@code
 * ChatTemplate template = ChatTemplate.of(model);
 * ChatPrompt prompt = template.prompt(List.of(ChatMessage.user("Hello")), List.of(), true, Map.of());
 * session.generate(GenerationRequest.ofTokens(prompt.tokens(model.tokenizer())).build());
 * }</pre>
 */
@NullMarked
package org.coreinfer.chat;

import org.jspecify.annotations.NullMarked;
