package org.coreinfer.serving;

import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.evaluation.Prediction;
import org.coreinfer.generation.DrawListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Log probabilities of one answer's tokens, and of its prompt's. For one thread. */
final class Logprobs implements DrawListener, Decoder.LogitsListener {
  private final Tokenizer tokenizer;
  private final int[] prompt;
  private final int top;
  private final Prediction prediction;
  private final Deque<TokenLogprob> drawn = new ArrayDeque<>();
  private final List<TokenLogprob> ofPrompt = new ArrayList<>();

  /**
   * @param top alternatives of each token
   */
  Logprobs(Tokenizer tokenizer, int vocabulary, int[] prompt, int top) {
    this.tokenizer = tokenizer;
    this.prompt = prompt;
    this.top = top;
    this.prediction = new Prediction(vocabulary);
  }

  @Override
  public void before(Logits logits) {
    prediction.read(logits.read());
  }

  @Override
  public void drawn(int token) {
    drawn.add(predicted(token));
  }

  /** The next drawn token's. */
  @Nullable TokenLogprob next() {
    return drawn.poll();
  }

  @Override
  public void logits(int token, FloatBuffer logits) {
    if (token == 0) {
      ofPrompt.add(describe(prompt[0], Float.NaN, List.of()));
    }
    if (token + 1 < prompt.length) {
      prediction.read(logits);
      ofPrompt.add(predicted(prompt[token + 1]));
    }
  }

  /** Of all tokens of the prompt, once it was read. */
  List<TokenLogprob> ofPrompt() {
    return List.copyOf(ofPrompt);
  }

  private TokenLogprob predicted(int token) {
    List<TokenLogprob> others =
        IntStream.of(prediction.likeliest(top))
            .mapToObj(each -> describe(each, value(each), List.of()))
            .toList();
    return describe(token, value(token), others);
  }

  private float value(int token) {
    return (float) prediction.logProbability(token);
  }

  private TokenLogprob describe(int token, float value, List<TokenLogprob> others) {
    byte[] bytes = tokenizer.bytes(token);
    List<Byte> utf8 = new ArrayList<>(bytes.length);
    for (byte each : bytes) {
      utf8.add(each);
    }
    String piece =
        bytes.length == 0 ? tokenizer.piece(token) : new String(bytes, StandardCharsets.UTF_8);
    return new TokenLogprob(token, piece, utf8, value, others);
  }
}
