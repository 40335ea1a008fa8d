package org.coreinfer.chat;

/**
 * A function that the model wants to be called.
 *
 * @param id tells it from the other calls of a conversation
 * @param arguments a JSON object, as text
 */
public record ToolCall(String id, String name, String arguments) {}
