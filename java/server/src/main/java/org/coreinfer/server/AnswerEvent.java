package org.coreinfer.server;

import java.util.List;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.TokenLogprob;

/** Something that happened to one of a request's answers, which are numbered from 0. */
sealed interface AnswerEvent {
  int answer();

  /** What the model thinks of the prompt; before any token. */
  record Prompt(int answer, List<TokenLogprob> logprobs) implements AnswerEvent {}

  /** Which neurons are core from here on. */
  record Core(int answer, NeuronSet neurons) implements AnswerEvent {}

  record Token(int answer, ServedToken token) implements AnswerEvent {}

  record End(int answer, GenerationResult result) implements AnswerEvent {}

  record Failure(int answer, RuntimeException cause) implements AnswerEvent {}
}
