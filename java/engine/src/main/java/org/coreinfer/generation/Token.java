package org.coreinfer.generation;

/**
 * One step of an answer.
 *
 * @param id the token; -1 for text that was held back until the answer ended
 * @param text what can be shown now: whole characters only, so some tokens show nothing and later
 *     ones more
 */
public record Token(int id, String text) {}
