package org.coreinfer.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.coreinfer.generation.CoreDecoding.Piece;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.StreamDecoder;
import org.jspecify.annotations.Nullable;

/**
 * An answer whose steps are taken from outside: first {@link #read}, which reads the prompt piece
 * by piece, then {@link #step}, which gives a token each, until there is a {@link #finishReason}.
 * If a step fails, the answer can't go on. For one thread.
 */
public final class Answer {
  private static final int NO_TOKEN = -1;

  private final Sequence sequence;
  private final GenerationRequest request;
  private final int[] prompt;
  private final int cached;
  private final Setting setting;
  private final StopMatcher stops;
  private final List<Integer> tokens = new ArrayList<>();
  private final StringBuilder shown = new StringBuilder();
  private int read;
  private @Nullable TokenSource source;
  private @Nullable FinishReason finishReason;
  private List<Integer> neuronsPerLayer = List.of();
  private long readNanos;
  private long selectNanos;
  private long decodeNanos;
  private int decodeSteps;

  /**
   * What surrounds an answer.
   *
   * @param endTokens tokens that end it
   * @param text makes text of its tokens
   * @param check called during work, with what goes on; may throw to end it
   * @param progress receives the fraction of the prompt that was read
   * @param draws sees what tokens are drawn from
   * @param promptLogits receives the logits after each token of the prompt, counted from the first;
   *     null if nobody wants them
   */
  public record Setting(
      Set<Integer> endTokens,
      StreamDecoder text,
      Check check,
      DoubleConsumer progress,
      DrawListener draws,
      Decoder.@Nullable LogitsListener promptLogits) {}

  /** Looks whether an answer should go on. */
  public interface Check {
    /**
     * Returns, or throws to end the answer.
     *
     * @param activity what is being done, as in "while the prompt was read"
     */
    void during(String activity);
  }

  /**
   * @param prompt all of its tokens
   * @param cached how many of them, from the first on, the sequence holds already; all that it
   *     holds, if any
   */
  public Answer(
      Sequence sequence, GenerationRequest request, int[] prompt, int cached, Setting setting) {
    this.sequence = sequence;
    this.request = request;
    this.prompt = prompt;
    this.cached = cached;
    this.setting = setting;
    this.stops = new StopMatcher(request.stop());
    this.read = cached;
  }

  /** Whether the prompt is not yet read. */
  public boolean isReading() {
    return source == null && finishReason == null;
  }

  /** Tokens of the prompt that were read or known. */
  public int readTokens() {
    return read;
  }

  /** Why the answer has ended; null if it hasn't. */
  public @Nullable FinishReason finishReason() {
    return finishReason;
  }

  /** The tokens of prompt and answer so far, of which the sequence may not hold the last one. */
  public int[] text() {
    return IntStream.concat(
            Arrays.stream(prompt, 0, read), tokens.stream().mapToInt(Integer::intValue))
        .toArray();
  }

  /** The neurons that the next token computes, unless it renews them. */
  public NeuronSet neurons() {
    return sequence.neurons();
  }

  /**
   * Reads a piece of the prompt. After the last one, the first token is drawn.
   *
   * @param most the most tokens of the piece, roughly
   * @return what can be shown of that token; null if the prompt goes on, or the answer ended with
   *     nothing to show
   */
  public @Nullable Token read(int most) {
    long begin = System.nanoTime();
    int end = pieceEnd(most);
    Piece piece = new Piece(read == cached, end == prompt.length);
    Decoder.LogitsListener listener = setting.promptLogits();
    int first = read;
    Logits logits =
        sequence.read(
            Arrays.copyOfRange(prompt, read, end),
            piece,
            listener == null ? null : (i, values) -> listener.logits(first + i, values),
            part -> progress(first + part * (end - first)));
    read = end;
    selectNanos = sequence.selectNanos();
    readNanos += System.nanoTime() - begin;
    if (!piece.isLast()) {
      return null;
    }
    NeuronSet neurons = sequence.neurons();
    neuronsPerLayer = IntStream.range(0, neurons.layers()).mapToObj(neurons::count).toList();
    TokenSource begun = sequence.isLossless() ? drafted() : plain();
    source = begun;
    return take(begun.first(logits));
  }

  /** Cuts where bits don't depend on it: see {@link Sequence#GRAIN}. */
  private int pieceEnd(int most) {
    if (!sequence.readsPieces()) {
      return prompt.length;
    }
    long grain = Sequence.GRAIN;
    long position = sequence.position();
    long end = position + prompt.length - read;
    long least = (position + 2 * grain - 1) / grain * grain;
    long cut = Math.max((position + most) / grain * grain, least);
    if (cut < end && end - cut < grain) {
      cut -= grain;
    }
    boolean isCut = cut < end && cut - position >= grain;
    return isCut ? Math.toIntExact(read + cut - position) : prompt.length;
  }

  private void progress(double tokensRead) {
    setting.check().during("the prompt was read");
    setting.progress().accept((tokensRead - cached) / (prompt.length - cached));
  }

  private TokenSource plain() {
    Sampler sampler = sequence.newSampler(request.sampling(), newConstraint());
    IntStream.of(prompt).forEach(sampler::accept);
    return new PlainDecoding(
        sequence, sampler, setting.draws(), () -> setting.check().during("a token was computed"));
  }

  private @Nullable TokenConstraint newConstraint() {
    Supplier<? extends TokenConstraint> constraint = request.constraint();
    return constraint == null ? null : constraint.get();
  }

  private TokenSource drafted() {
    DraftedDecoding drafted =
        DraftedDecoding.adaptive(
            sequence,
            request.sampling(),
            newConstraint(),
            this::isEnd,
            setting.draws(),
            () -> setting.check().during("tokens were drafted"));
    IntStream.of(prompt).forEach(drafted::read);
    return drafted;
  }

  /** Whether the next token can be computed by {@link #stepTogether}. */
  public boolean isBatchable() {
    return source instanceof PlainDecoding && sequence.isBatchable();
  }

  /**
   * Computes the next token; waits for the device.
   *
   * @return what can be shown; null if the answer ended with nothing to show
   */
  public @Nullable Token step() {
    TokenSource begun = source;
    if (begun == null || finishReason != null) {
      throw new IllegalStateException("the prompt was not read, or the answer has ended");
    }
    long begin = System.nanoTime();
    int token = begun.next(request.maxTokens() - tokens.size());
    return stepped(token, begin);
  }

  private @Nullable Token stepped(int token, long begin) {
    decodeNanos += System.nanoTime() - begin;
    decodeSteps++;
    return take(token);
  }

  /**
   * Computes the next token of each answer, all with the same decoder, reading weights once for all
   * where that is possible. Each gets the token that {@link #step} would have given it.
   *
   * @param answers batchable ones
   * @param results hears of each answer's token, or of the exception with which it fails
   */
  public static void stepTogether(List<Answer> answers, Results results) {
    long begin = System.nanoTime();
    List<Logits> logits = Sequence.decodeTogether(answers.stream().map(a -> a.sequence).toList());
    for (int i = 0; i < logits.size(); i++) {
      Answer answer = answers.get(i);
      try {
        if (!(answer.source instanceof PlainDecoding plain)) {
          throw new IllegalStateException("an answer is not batchable");
        }
        results.stepped(i, answer.stepped(plain.draw(logits.get(i)), begin));
      } catch (RuntimeException e) {
        results.failed(i, e);
      }
    }
  }

  /** Receives what {@link #stepTogether} gave. */
  public interface Results {
    /**
     * An answer's token is computed.
     *
     * @param index of the answer
     * @param token what can be shown; null if the answer ended with nothing to show
     */
    void stepped(int index, @Nullable Token token);

    /** An answer can't go on. */
    void failed(int index, RuntimeException failure);
  }

  private boolean isEnd(int token) {
    return !request.ignoreEos()
        && (setting.endTokens().contains(token) || request.endTokens().contains(token));
  }

  private @Nullable Token take(int token) {
    sequence.accept(token);
    tokens.add(token);
    if (isEnd(token)) {
      return end(FinishReason.EOS);
    }
    String text = stops.accept(setting.text().next(token));
    shown.append(text);
    if (stops.isStopped()) {
      finishReason = FinishReason.STOP;
      return new Token(token, text);
    }
    if (tokens.size() >= request.maxTokens() || sequence.isFull()) {
      String rest = rest();
      finishReason = FinishReason.LENGTH;
      return new Token(token, text + rest);
    }
    return new Token(token, text);
  }

  /**
   * Ends the answer, unless it has ended; what was held back is text after all.
   *
   * @return what can be shown; null for nothing
   */
  public @Nullable Token end(FinishReason reason) {
    if (finishReason != null) {
      return null;
    }
    String rest = rest();
    finishReason = reason;
    if (reason == FinishReason.EOS) {
      return new Token(tokens.get(tokens.size() - 1), rest);
    }
    return rest.isEmpty() ? null : new Token(NO_TOKEN, rest);
  }

  private String rest() {
    String rest = stops.accept(setting.text().flush());
    rest = stops.isStopped() ? rest : rest + stops.flush();
    shown.append(rest);
    return rest;
  }

  /**
   * The answer, once it has ended.
   *
   * @throws IllegalStateException if it has not
   */
  public GenerationResult result() {
    FinishReason reason = finishReason;
    if (reason == null) {
      throw new IllegalStateException("the answer has not ended yet");
    }
    return new GenerationResult(
        IntStream.of(prompt).boxed().toList(),
        cached,
        List.copyOf(tokens),
        shown.toString(),
        reason,
        sequence.options(),
        neuronsPerLayer,
        sequence.refreshes(),
        source == null ? null : source.drafts(),
        new Timings(
            prompt.length - cached,
            readNanos - selectNanos,
            selectNanos,
            decodeSteps,
            decodeNanos));
  }
}
