package org.coreinfer.generation;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.coreinfer.error.GenerationCancelledException;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.tensor.Lifetime;
import org.coreinfer.text.StreamDecoder;
import org.jspecify.annotations.Nullable;

/**
 * An answer in progress: each step of {@link #iterator} computes a token on the calling thread; the
 * first one reads the prompt before. For one thread; {@link #close}, from any thread, ends it
 * early.
 */
public final class TokenStream implements Iterable<Token>, AutoCloseable {
  private final Sequence sequence;
  private final GenerationRequest request;
  private final int[] prompt;
  private final Set<Integer> endTokens;
  private final StreamDecoder text;
  private final Lifetime.Nested lifetime;
  private final Runnable onEnd;
  private final StopMatcher stops;
  private final List<Integer> tokens = new ArrayList<>();
  private final StringBuilder answer = new StringBuilder();
  private @Nullable TokenSource source;
  private @Nullable Token prepared;
  private @Nullable FinishReason finishReason;
  private List<Integer> neuronsPerLayer = List.of();
  private long prefillNanos;
  private long selectNanos;
  private long decodeNanos;
  private int decodeSteps;
  private boolean isEnded;
  private volatile boolean isClosed;

  /**
   * @param prompt tokens to read
   * @param endTokens tokens that end the answer
   * @param text makes text of the answer's tokens
   * @param lifetime entered during each step, so that nothing is freed below it
   * @param onEnd runs once, when the last token was computed or the stream was closed
   */
  public TokenStream(
      Sequence sequence,
      GenerationRequest request,
      int[] prompt,
      Set<Integer> endTokens,
      StreamDecoder text,
      Lifetime.Nested lifetime,
      Runnable onEnd) {
    this.sequence = sequence;
    this.request = request;
    this.prompt = prompt;
    this.endTokens = endTokens;
    this.text = text;
    this.lifetime = lifetime;
    this.onEnd = onEnd;
    this.stops = new StopMatcher(request.stop());
  }

  /**
   * The tokens that were not handed out yet; every iterator of a stream takes from the same ones.
   */
  @Override
  public Iterator<Token> iterator() {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return peek() != null;
      }

      @Override
      public Token next() {
        return take();
      }
    };
  }

  private synchronized @Nullable Token peek() {
    if (prepared == null && finishReason == null) {
      prepared = step();
    }
    return prepared;
  }

  private synchronized Token take() {
    Token token = peek();
    if (token == null) {
      throw new NoSuchElementException("the answer has ended");
    }
    prepared = null;
    return token;
  }

  private @Nullable Token step() {
    lifetime.enter();
    try {
      return isCancelled() ? end(FinishReason.CANCELLED) : computeToken();
    } catch (GenerationCancelledException e) {
      return end(FinishReason.CANCELLED);
    } catch (RuntimeException e) {
      finishReason = FinishReason.CANCELLED;
      runOnEnd();
      throw e;
    } finally {
      lifetime.exit();
    }
  }

  private @Nullable Token computeToken() {
    TokenSource started = source;
    int token = started == null ? first() : next(started);
    sequence.accept(token);
    tokens.add(token);
    if (endTokens.contains(token) && !request.ignoreEos()) {
      return end(FinishReason.EOS);
    }
    String shown = stops.accept(text.next(token));
    answer.append(shown);
    if (stops.isStopped()) {
      finish(FinishReason.STOP);
      return new Token(token, shown);
    }
    if (tokens.size() >= request.maxTokens() || sequence.isFull()) {
      String rest = rest();
      finish(FinishReason.LENGTH);
      return new Token(token, shown + rest);
    }
    return new Token(token, shown);
  }

  /** Reads the prompt and draws the first token. */
  private int first() {
    Logits logits = prefill();
    TokenSource begun = sequence.isLossless() ? drafted() : plain();
    source = begun;
    return begun.first(logits);
  }

  private TokenSource plain() {
    Sampler sampler = sequence.newSampler(request.sampling(), newConstraint());
    IntStream.of(prompt).forEach(sampler::accept);
    return new PlainDecoding(sequence, sampler, () -> check("a token was computed"));
  }

  private TokenSource drafted() {
    IntPredicate isEnd = token -> !request.ignoreEos() && endTokens.contains(token);
    DraftedDecoding drafted =
        DraftedDecoding.adaptive(
            sequence,
            request.sampling(),
            newConstraint(),
            isEnd,
            () -> check("tokens were drafted"));
    IntStream.of(prompt).forEach(drafted::read);
    return drafted;
  }

  private @Nullable TokenConstraint newConstraint() {
    return request.constraint() == null ? null : request.constraint().get();
  }

  private Logits prefill() {
    long begin = System.nanoTime();
    Logits logits = sequence.prefill(prompt, this::progress);
    selectNanos = sequence.selectNanos();
    prefillNanos = System.nanoTime() - begin - selectNanos;
    NeuronSet neurons = sequence.neurons();
    neuronsPerLayer = IntStream.range(0, neurons.layers()).mapToObj(neurons::count).toList();
    return logits;
  }

  private void progress(double fraction) {
    check("the prompt was read");
    request.prefillProgress().accept(fraction);
  }

  /** Ends the answer if that was asked for. */
  private void check(String activity) {
    if (isCancelled()) {
      throw new GenerationCancelledException("cancelled while " + activity);
    }
    if (lifetime.isClosed()) {
      throw new IllegalStateException("the session or its model was closed while " + activity);
    }
  }

  private boolean isCancelled() {
    return isClosed || request.cancellation().isCancelled();
  }

  /** The token after the accepted one; waits for the device. */
  private int next(TokenSource tokensOfAnswer) {
    long begin = System.nanoTime();
    int token = tokensOfAnswer.next(request.maxTokens() - tokens.size());
    decodeNanos += System.nanoTime() - begin;
    decodeSteps++;
    return token;
  }

  /** Ends the answer after a token that is no text; what was held back is text after all. */
  private @Nullable Token end(FinishReason reason) {
    String rest = rest();
    finish(reason);
    int last = tokens.isEmpty() ? -1 : tokens.get(tokens.size() - 1);
    return reason == FinishReason.EOS || !rest.isEmpty() ? new Token(last, rest) : null;
  }

  private String rest() {
    String rest = stops.accept(text.flush());
    rest = stops.isStopped() ? rest : rest + stops.flush();
    answer.append(rest);
    return rest;
  }

  private void finish(FinishReason reason) {
    finishReason = reason;
    runOnEnd();
  }

  private void runOnEnd() {
    if (!isEnded) {
      isEnded = true;
      onEnd.run();
    }
  }

  /**
   * The answer, once all tokens were taken or the stream was closed.
   *
   * @throws IllegalStateException if the answer has not ended
   */
  public synchronized GenerationResult result() {
    FinishReason reason = finishReason;
    if (reason == null) {
      throw new IllegalStateException("the answer has not ended yet");
    }
    return new GenerationResult(
        IntStream.of(prompt).boxed().toList(),
        List.copyOf(tokens),
        answer.toString(),
        reason,
        sequence.options(),
        neuronsPerLayer,
        sequence.refreshes(),
        source == null ? null : source.drafts(),
        new Timings(prompt.length, prefillNanos, selectNanos, decodeSteps, decodeNanos));
  }

  /**
   * Ends the answer, after the step in progress; the session can then go on with another request.
   */
  @Override
  public void close() {
    isClosed = true;
    synchronized (this) {
      if (finishReason == null) {
        finishReason = FinishReason.CANCELLED;
      }
      runOnEnd();
    }
  }
}
