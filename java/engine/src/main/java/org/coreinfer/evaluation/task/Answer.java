package org.coreinfer.evaluation.task;

import java.util.List;

/**
 * What greedy decoding wrote.
 *
 * @param tokens with the one that ended it
 * @param text before the stop string
 * @param steps tokens that were decoded; the first one follows from the prompt
 * @param nanos for the steps
 */
record Answer(List<Integer> tokens, String text, int steps, long nanos) {
  Answer {
    tokens = List.copyOf(tokens);
  }
}
