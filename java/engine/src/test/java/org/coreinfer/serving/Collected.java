package org.coreinfer.serving;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.coreinfer.generation.GenerationResult;

/** Everything that one listener heard. */
class Collected implements AnswerListener {
  private final List<ServedToken> tokens = new ArrayList<>();
  private final List<TokenLogprob> prompt = new ArrayList<>();
  private final List<Double> progress = new ArrayList<>();
  private final CompletableFuture<GenerationResult> end = new CompletableFuture<>();

  @Override
  public synchronized void onPrefill(double fraction) {
    progress.add(fraction);
  }

  @Override
  public synchronized void onPromptLogprobs(List<TokenLogprob> logprobs) {
    prompt.addAll(logprobs);
  }

  @Override
  public synchronized void onToken(ServedToken token) {
    tokens.add(token);
  }

  @Override
  public void onEnd(GenerationResult result) {
    end.complete(result);
  }

  @Override
  public void onFailure(RuntimeException failure) {
    end.completeExceptionally(failure);
  }

  /** The answer, when it has ended. */
  GenerationResult result() throws Exception {
    return end.get(30, TimeUnit.SECONDS);
  }

  boolean hasEnded() {
    return end.isDone();
  }

  synchronized List<ServedToken> tokens() {
    return List.copyOf(tokens);
  }

  synchronized List<TokenLogprob> prompt() {
    return List.copyOf(prompt);
  }

  synchronized List<Double> progress() {
    return List.copyOf(progress);
  }

  /** All text that was heard. */
  String text() {
    StringBuilder text = new StringBuilder();
    tokens().forEach(token -> text.append(token.text()));
    return text.toString();
  }
}
