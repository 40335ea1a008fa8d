package org.coreinfer.generation;

import java.io.IOException;
import java.util.List;
import org.coreinfer.backend.Stopwatch;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.core.Refresh;
import org.coreinfer.core.ScoreHistory;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.Logits;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.model.StateReader;
import org.coreinfer.model.StateWriter;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * Reads prompts and decodes tokens of one sequence as {@link CoreOptions} say: prompts choose the
 * core neurons, decoding computes them, and now and then renews them. If a call fails or is
 * cancelled the sequence is as it was before. For one thread at a time.
 *
 * <p>Scores are those of prompts, of tokens that renewed the neurons, and of drafts; tokens that
 * core neurons decoded show nothing of the others and add nothing.
 */
final class CoreDecoding implements AutoCloseable {
  private final Decoder decoder;
  private final DecoderState state;
  private final boolean isDense;
  private final Resources resources = new Resources();
  private final NeuronScores scores;
  private final @Nullable Refresh refresh;
  private final RefreshSchedule schedule;
  private final Stopwatch choosing;
  private final @Nullable ScoreHistory history;
  private @Nullable NeuronSet neurons; // null while only the device has the lists
  private boolean isScored;
  private int scoredEnd; // no token from there on was scored
  private boolean isSetLost; // it, or what stands for the others, went with something that failed
  private long selectNanos;
  private Refreshes refreshes = Refreshes.NONE;

  /**
   * @param state of a new sequence, which the caller closes after this
   * @param history keeps scores for {@link #noted}; null for none
   */
  CoreDecoding(
      Decoder decoder, DecoderState state, CoreOptions options, @Nullable ScoreHistory history) {
    this.history = history;
    this.decoder = decoder;
    this.state = state;
    this.isDense = options.method() == CoreOptions.Method.DENSE;
    this.neurons = decoder.allNeurons();
    int interval = isDense ? 0 : options.upkeep().refresh();
    this.schedule = new RefreshSchedule(interval);
    try {
      this.scores = new NeuronScores(decoder, state.queue(), options);
      resources.onClose(scores::close);
      this.refresh = interval == 0 ? null : new Refresh(decoder, state, scores);
      if (refresh != null) {
        resources.onClose(refresh::close);
      }
      this.choosing = state.queue().newStopwatch();
      resources.onClose(choosing::close);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /** The core neurons, of which the next decoded token computes no others unless it renews them. */
  NeuronSet neurons() {
    recoverSet();
    NeuronSet known = neurons;
    if (known == null) {
      known = scores.chosen(state);
      neurons = known;
    }
    return known;
  }

  /** The neurons that the next decoded token computes. */
  NeuronSet next() {
    return schedule.isDue() ? decoder.allNeurons() : neurons();
  }

  /** Time that the latest prompt spent on scoring and choosing. */
  long selectNanos() {
    return selectNanos;
  }

  /** Since the latest prompt. */
  Refreshes refreshes() {
    return refreshes;
  }

  /**
   * Reads a piece of a prompt. The last one chooses the core neurons anew, from the prompt's scores
   * and all before.
   *
   * @param everyToken receives the logits after each token; null when only the last are of interest
   * @return the logits after the last token, valid until the next call
   */
  Logits read(
      int[] tokens,
      Piece piece,
      Decoder.@Nullable LogitsListener everyToken,
      Decoder.Monitor monitor) {
    int start = state.position();
    NeuronScores.@Nullable Snapshot snapshot = isScored ? scores.snapshot() : null;
    choosing.takeNanos();
    try {
      scores.startAt(start, history);
      ActivationListener listener =
          isDense ? ActivationListener.NONE : new TimedScores(scores, choosing, piece.isLast());
      Logits logits =
          decoder.prefill(state, tokens, chunk(tokens.length), listener, everyToken, monitor);
      if (!isDense) {
        isScored = true;
        scoredEnd = state.position();
      }
      if (!isDense && piece.isLast()) {
        choosing.start();
        neurons = scores.chosen(state);
        choosing.stop();
        isSetLost = false;
      }
      selectNanos = (piece.isFirst() ? 0 : selectNanos) + choosing.takeNanos();
      schedule.restart();
      refreshes = Refreshes.NONE;
      return logits;
    } catch (RuntimeException e) {
      state.truncate(start);
      if (history != null) {
        history.truncate(start);
      }
      if (snapshot != null) {
        scores.restore(snapshot);
        loseSet();
      } else if (!isDense) {
        scores.forget();
      }
      throw e;
    }
  }

  /**
   * Tokens that go through a layer at once: as many as may, but so that no few are left, which
   * other kernels would compute, to other bits.
   */
  static int chunk(int tokens) {
    for (int chunk = Sequence.CHUNK; chunk > Sequence.GRAIN; chunk -= Sequence.GRAIN) {
      int left = tokens % chunk;
      if (left == 0 || left >= Sequence.GRAIN) {
        return chunk;
      }
    }
    return Sequence.CHUNK;
  }

  /** Which part of a prompt is read. */
  record Piece(boolean isFirst, boolean isLast) {
    static final Piece WHOLE = new Piece(true, true);
  }

  /** Whether a prompt can be read in pieces. */
  boolean readsPieces() {
    return isDense || !scores.needsWholePrompt();
  }

  /**
   * What is known of the first tokens.
   *
   * @param isWhole whether they are all, and their scores are wanted
   */
  Noted noted(CoreOptions options, int tokens, int promptEnd, boolean isWhole) {
    return new Noted(
        options,
        tokens,
        promptEnd,
        scoredEnd,
        isWhole && isScored ? scores.snapshot() : null,
        history == null ? null : history.beginning(tokens));
  }

  /** Tokens between points at which a prompt's scores are noted; 0 if they are not. */
  int noteInterval() {
    return history == null || scores.needsWholePrompt() ? 0 : history.interval();
  }

  /** Goes on, in an empty sequence, after tokens of another one. A prompt must be read next. */
  void begin(Noted noted, int tokens, CoreOptions options) {
    forget();
    NeuronScores.Snapshot known = isDense ? null : noted.scores(tokens, options);
    if (known == null) {
      return;
    }
    ScoreHistory others = noted.history();
    if (history != null && others != null) {
      history.become(others.beginning(tokens));
    }
    scores.restore(known);
    isScored = true;
    scoredEnd = noted.isEnd(tokens, options) ? noted.scoredEnd() : tokens;
    neurons = null;
    isSetLost = true;
  }

  /**
   * Appends a token, computing the core neurons, or all of them if the set is to be renewed.
   *
   * @param monitor hears of a refresh's progress; may throw to end it
   * @return the logits after it, valid until the next call
   */
  Logits decode(int token, Decoder.Monitor monitor) {
    if (refresh != null && isRenewalDue()) {
      return renew(token, refresh, monitor);
    }
    Logits logits = draft(token);
    schedule.decoded();
    return logits;
  }

  /** Whether the next token renews the core neurons. */
  boolean isRenewalDue() {
    return refresh != null && schedule.isDue();
  }

  /** Counts a token that was decoded with {@link #neurons} elsewhere. */
  void decoded() {
    schedule.decoded();
  }

  /**
   * Appends a token, computing the core neurons whether or not they are to be renewed.
   *
   * @return the logits after it, valid until the next call
   */
  Logits draft(int token) {
    recoverSet();
    NeuronSet known = neurons;
    return known == null
        ? decoder.decode(state, token, scores.tail())
        : decoder.decode(state, token, known);
  }

  private Logits renew(int token, Refresh listener, Decoder.Monitor monitor) {
    long begin = System.nanoTime();
    int start = state.position();
    recoverSet();
    if (neurons != null) {
      state.list(neurons);
    }
    try {
      listener.begin();
      Logits logits = decoder.append(state, new int[] {token}, listener, monitor).get(0);
      Refresh.Drift drift = listener.end();
      scoredEnd = state.position();
      neurons = null;
      schedule.refreshed(drift);
      refreshes = refreshes.with(drift.before(), System.nanoTime() - begin);
      return logits;
    } catch (RuntimeException e) {
      state.truncate(start);
      loseSet();
      throw e;
    }
  }

  /**
   * Appends a token with every neuron; the core neurons stay chosen.
   *
   * @return the logits after it, valid until the next call
   */
  Logits decodeDensely(int token) {
    neurons(); // which are known from here on, as the device now gets other lists
    return decoder.decode(state, token, decoder.allNeurons());
  }

  /**
   * Appends tokens with every neuron. Where there are several it also chooses the core neurons anew
   * from what they show.
   *
   * @return the logits after each of them, valid until the next call
   */
  List<Logits> verify(int[] tokens) {
    if (tokens.length == 1) { // nothing is drafted, so nobody needs other neurons
      return decoder.append(state, tokens, ActivationListener.NONE);
    }
    scores.startAt(state.position(), null);
    List<Logits> logits = decoder.append(state, tokens, scores);
    scoredEnd = state.position();
    neurons = scores.chosen(state);
    isSetLost = false;
    return logits;
  }

  /** Makes everything as it was in the beginning, but for the state. */
  void forget() {
    scores.forget();
    if (history != null) {
      history.truncate(0);
    }
    scoredEnd = 0;
    neurons = decoder.allNeurons();
    isScored = false;
    isSetLost = false;
    selectNanos = 0;
    schedule.restart();
    refreshes = Refreshes.NONE;
  }

  /** Writes scores and core neurons. */
  void save(StateWriter writer) throws IOException {
    NeuronSet set = neurons();
    writer.put(isScored ? 1 : 0);
    schedule.save(writer);
    if (isScored) {
      scores.save(writer);
      for (int layer = 0; layer < set.layers(); layer++) {
        writer.put(set.ids(layer));
      }
    }
  }

  /** Takes what was saved with the same options; if it fails {@link #forget} must follow. */
  void load(StateReader reader) throws IOException {
    forget();
    boolean wasScored = reader.getInt("whether there are scores", 0, isDense ? 0 : 1) == 1;
    schedule.load(reader);
    if (!wasScored) {
      return;
    }
    scores.load(reader);
    ModelConfig config = decoder.config();
    int[][] lists = new int[config.layers()][];
    for (int layer = 0; layer < lists.length; layer++) {
      lists[layer] = reader.getInts("a layer's core neurons", config.neurons());
    }
    try {
      neurons = scores.choose(state, NeuronSet.of(config, lists));
    } catch (IllegalArgumentException e) {
      throw reader.wrong("the core neurons are broken: " + e.getMessage());
    }
    isScored = true;
  }

  private void loseSet() {
    if (neurons == null || scores.choosesTail()) {
      neurons = null;
      isSetLost = true;
    }
  }

  /** Chooses the set anew, by the scores, if it was lost. */
  private void recoverSet() {
    if (isSetLost) {
      decoder.choose(state, scores);
      isSetLost = false;
    }
  }

  @Override
  public void close() {
    resources.close();
  }
}
