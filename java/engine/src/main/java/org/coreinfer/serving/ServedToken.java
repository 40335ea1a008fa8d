package org.coreinfer.serving;

import org.jspecify.annotations.Nullable;

/**
 * One step of an answer.
 *
 * @param id the token; -1 for text that was held back until the answer ended
 * @param text what can be shown now: whole characters only, so some tokens show nothing and later
 *     ones more
 * @param logprob null if it was not asked for, or there is no token
 */
public record ServedToken(int id, String text, @Nullable TokenLogprob logprob) {}
