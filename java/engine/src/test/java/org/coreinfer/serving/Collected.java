package org.coreinfer.serving;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.coreinfer.generation.GenerationResult;

/** Everything that one listener heard. */
class Collected implements AnswerListener {
  private final List<ServedToken> tokens = new CopyOnWriteArrayList<>();
  private final List<TokenLogprob> prompt = new CopyOnWriteArrayList<>();
  private final List<Double> progress = new CopyOnWriteArrayList<>();
  private final CompletableFuture<GenerationResult> end = new CompletableFuture<>();

  @Override
  public void onPrefill(double fraction) {
    progress.add(fraction);
  }

  @Override
  public void onPromptLogprobs(List<TokenLogprob> logprobs) {
    prompt.addAll(logprobs);
  }

  @Override
  public void onToken(ServedToken token) {
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

  List<ServedToken> tokens() {
    return List.copyOf(tokens);
  }

  List<TokenLogprob> prompt() {
    return List.copyOf(prompt);
  }

  List<Double> progress() {
    return List.copyOf(progress);
  }

  /** All text that was heard. */
  String text() {
    StringBuilder text = new StringBuilder();
    tokens().forEach(token -> text.append(token.text()));
    return text.toString();
  }
}
