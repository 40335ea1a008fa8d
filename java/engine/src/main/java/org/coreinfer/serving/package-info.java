/**
 * One model for many requests at once. {@link org.coreinfer.serving.Scheduler} takes a {@link
 * org.coreinfer.serving.ServingRequest} from any thread, computes all of them in turns, and hands
 * each one's tokens to its {@link org.coreinfer.serving.AnswerListener}.
 */
@NullMarked
package org.coreinfer.serving;

import org.jspecify.annotations.NullMarked;
