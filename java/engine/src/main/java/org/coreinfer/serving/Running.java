package org.coreinfer.serving;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.coreinfer.Model;
import org.coreinfer.generation.Answer;
import org.coreinfer.generation.DrawListener;
import org.coreinfer.generation.FinishReason;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Token;
import org.coreinfer.model.NeuronSet;
import org.jspecify.annotations.Nullable;

/** A job in its slot: its answer's steps, told to its listener. For the computing thread. */
final class Running {
  private final Job job;
  private final LentText text;
  private final Answer answer;
  private final @Nullable Logprobs logprobs;
  private final Tally tally;
  private final long begun = System.nanoTime();
  private final Duration waited;
  private long lastToken;
  private @Nullable NeuronSet told; // to the listener, as core neurons

  /**
   * @param text which begins as the prompt, or is empty
   * @param check called during steps, with what goes on; may throw to end the answer
   */
  Running(Model model, Job job, LentText text, Tally tally, Answer.Check check) {
    this.job = job;
    this.text = text;
    this.tally = tally;
    this.waited = job.age();
    ServingRequest request = job.request();
    boolean hasLogprobs = request.topLogprobs() >= 0 || request.promptLogprobs();
    this.logprobs =
        hasLogprobs
            ? new Logprobs(
                model.tokenizer(),
                model.config().vocabulary(),
                job.prompt(),
                Math.max(0, request.topLogprobs()))
            : null;
    Set<Integer> endTokens =
        Set.copyOf(IntStream.of(model.tokenizer().endTokens()).boxed().toList());
    this.answer =
        new Answer(
            text.sequence(),
            request.generation(),
            job.prompt(),
            text.cached(),
            new Answer.Setting(
                endTokens,
                model.tokenizer().newStreamDecoder(false),
                check,
                job.delivery()::progress,
                logprobs == null || request.topLogprobs() < 0 ? DrawListener.NONE : logprobs,
                request.promptLogprobs() ? logprobs : null));
  }

  Job job() {
    return job;
  }

  LentText text() {
    return text;
  }

  Answer answer() {
    return answer;
  }

  /** Whether it can take a step now: its listener is not too far behind. */
  boolean isReady() {
    return !job.delivery().isFull();
  }

  /** Reads a piece of the prompt. */
  void read(int most) {
    Token token = answer.read(most);
    text.hasRead(answer.readTokens());
    if (answer.isReading()) {
      return;
    }
    tally.firstToken(
        job.prompt().length, text.cached(), waited, Duration.ofNanos(System.nanoTime() - begun));
    lastToken = System.nanoTime();
    if (logprobs != null && job.request().promptLogprobs()) {
      List<TokenLogprob> ofPrompt = logprobs.ofPrompt();
      job.delivery().post(listener -> listener.onPromptLogprobs(ofPrompt));
    }
    tellNeurons();
    deliver(token);
  }

  /** Tells the listener which neurons are core, if it wants to know and they are others. */
  private void tellNeurons() {
    if (!job.request().neurons()) {
      return;
    }
    NeuronSet neurons = answer.neurons();
    if (neurons != told) {
      told = neurons;
      job.delivery().post(listener -> listener.onNeurons(neurons));
    }
  }

  /** Tells the listener of a token that was computed; null for nothing to show. */
  void stepped(@Nullable Token token) {
    long now = System.nanoTime();
    tally.nextToken(Duration.ofNanos(now - lastToken));
    lastToken = now;
    tellNeurons();
    deliver(token);
  }

  private void deliver(@Nullable Token token) {
    if (token == null) {
      return;
    }
    TokenLogprob logprob = logprobs == null || token.id() < 0 ? null : logprobs.next();
    ServedToken served = new ServedToken(token.id(), token.text(), logprob);
    job.delivery().post(listener -> listener.onToken(served));
  }

  /** Ends the answer before its time. */
  void interrupt(FinishReason reason) {
    deliver(answer.end(reason));
  }

  /** Tells the end. */
  void ended() {
    GenerationResult result = answer.result();
    tally.ended(result, job.age(), Duration.ofNanos(System.nanoTime() - begun));
    job.delivery().end(listener -> listener.onEnd(result));
  }

  /** Tells that it can't go on. */
  void failed(RuntimeException failure) {
    tally.failed(failure, job.age());
    job.delivery().end(listener -> listener.onFailure(failure));
  }
}
