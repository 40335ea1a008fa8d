package org.coreinfer.generation;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.coreinfer.backend.Backend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.core.ScoreHistory;
import org.coreinfer.error.SessionFormatException;
import org.coreinfer.generation.CoreDecoding.Piece;
import org.coreinfer.model.BatchEntry;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.KvPool;
import org.coreinfer.model.Logits;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.sampling.DraftSampler;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.Samplers;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * Tokens that were read or decoded so far, with their keys and values, and the core neurons that
 * they chose. For one thread at a time.
 */
public final class Sequence implements AutoCloseable {
  /** Tokens that prefill takes through the layers at once. */
  public static final int CHUNK = 512;

  /**
   * Where prompts are cut: on a CPU, pieces of at least so many tokens that end at a multiple of it
   * give the same keys, values and scores as the whole prompt at once, bit for bit.
   */
  public static final int GRAIN = NeuronScores.BLOCK;

  static final int NONE = -1; // no accepted token

  private final Decoder decoder;
  private final CoreOptions options;
  private final Resources resources = new Resources();
  private final DecoderState state;
  private final CoreDecoding decoding;
  private final Samplers samplers;
  private int pending = NONE;
  private int promptEnd; // tokens before it were read as a prompt, by the kernels of long ones

  /**
   * @param capacity the most tokens of the sequence
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Sequence(Decoder decoder, CoreOptions options, int capacity, DType cacheDtype) {
    this(decoder, options, capacity, decoder.newPool(cacheDtype, Long.MAX_VALUE), null);
  }

  /**
   * A sequence that notes its scores now and then, so that others may begin as its {@link
   * #beginning}.
   *
   * @param pool where keys and values come from
   */
  public static Sequence shareable(
      Decoder decoder, CoreOptions options, int capacity, KvPool pool) {
    // Reading scores back is cheap where they are in reach.
    int interval = decoder.backend().isHost() ? GRAIN : 4 * GRAIN;
    boolean hasScores = options.method() != CoreOptions.Method.DENSE;
    ScoreHistory history = hasScores ? new ScoreHistory(interval) : null;
    return new Sequence(decoder, options, capacity, pool, history);
  }

  private Sequence(
      Decoder decoder,
      CoreOptions options,
      int capacity,
      KvPool pool,
      @Nullable ScoreHistory history) {
    this.decoder = decoder;
    this.options = options;
    try {
      this.state =
          decoder.newState(
              capacity, CHUNK, pool, layer -> options.mostChosen(layer, decoder.config()));
      resources.onClose(state::close);
      this.decoding = new CoreDecoding(decoder, state, options, history);
      resources.onClose(decoding::close);
      this.samplers = new Samplers(state.queue());
      resources.onClose(samplers::close);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  public int position() {
    return state.position();
  }

  public int capacity() {
    return state.capacity();
  }

  public CoreOptions options() {
    return options;
  }

  /** The core neurons, which stay until a prompt or a refresh renews them; at first all neurons. */
  public NeuronSet neurons() {
    return decoding.neurons();
  }

  /** The neurons that the next call of {@link #decode} computes: all, if it renews the set. */
  public NeuronSet nextNeurons() {
    return decoding.next();
  }

  /** Time that the latest prefill spent on scoring and choosing. */
  public long selectNanos() {
    return decoding.selectNanos();
  }

  /** How often the set was renewed since the latest prompt. */
  public Refreshes refreshes() {
    return decoding.refreshes();
  }

  /** Samplers for drafts and what verifies them. */
  DraftSampler newDraftSampler(SamplingOptions sampling, @Nullable TokenConstraint constraint) {
    return samplers.startDrafts(sampling, constraint);
  }

  /** A sampler for the next answer, on the device that computes the logits. */
  public Sampler newSampler(SamplingOptions sampling) {
    return samplers.start(sampling, null);
  }

  /** A sampler for the next answer, of the tokens that a constraint allows. */
  public Sampler newSampler(SamplingOptions sampling, @Nullable TokenConstraint constraint) {
    return samplers.start(sampling, constraint);
  }

  /** Whether nothing was read or decoded yet. */
  public boolean isEmpty() {
    return state.position() == 0 && pending == NONE;
  }

  /** Whether no further token can be decoded. */
  public boolean isFull() {
    return state.position() + (pending == NONE ? 0 : 1) > state.capacity();
  }

  /**
   * Reads a prompt, after the accepted token if there is one, and chooses the core neurons anew,
   * from the prompt's scores and all before. If it fails or is cancelled the sequence is as it was
   * before.
   *
   * @return the logits after the last token, valid until the next call
   */
  public Logits prefill(int[] prompt, Decoder.Monitor monitor) {
    return read(prompt, Piece.WHOLE, null, monitor);
  }

  /** Whether prompts can be read in pieces. */
  boolean readsPieces() {
    return decoding.readsPieces();
  }

  /**
   * Reads a piece of a prompt, after the accepted token if there is one. If it fails or is
   * cancelled the sequence is as it was before the piece.
   *
   * @param everyToken receives the logits after each token; null when only the last are of interest
   * @return the logits after the last token, valid until the next call
   */
  Logits read(
      int[] prompt,
      Piece piece,
      Decoder.@Nullable LogitsListener everyToken,
      Decoder.Monitor monitor) {
    int[] tokens = prompt;
    if (pending != NONE) {
      tokens = new int[prompt.length + 1];
      tokens[0] = pending;
      System.arraycopy(prompt, 0, tokens, 1, prompt.length);
    }
    int start = state.position();
    Logits logits = decoding.read(tokens, piece, everyToken, monitor);
    if (start == promptEnd && tokens.length > Backend.DECODE_TOKENS) {
      promptEnd = state.position();
    }
    pending = NONE;
    return logits;
  }

  /**
   * How many tokens, from the first on, are as reading them as one prompt leaves them: no token of
   * an answer is among them.
   */
  public int promptEnd() {
    return promptEnd;
  }

  /**
   * What the first tokens are, for sequences that begin alike.
   *
   * @param tokens at most {@link #position}
   * @return the caller's, to be closed
   */
  public Beginning beginning(int tokens) {
    boolean isWhole = tokens == state.position();
    Noted noted = decoding.noted(options, tokens, Math.min(promptEnd, tokens), isWhole);
    return new Beginning(state.beginning(tokens), noted);
  }

  /** As {@link Beginning#usable} of what is here, short of its end. */
  public int usable(int most, CoreOptions asked) {
    return decoding.noted(options, state.position(), promptEnd, false).usable(most, asked);
  }

  /**
   * How far the points are apart, in tokens, from which others can go on that begin as a prompt
   * that is being read; 0 if there are none.
   */
  public int shareInterval(CoreOptions asked) {
    if (asked.method() == CoreOptions.Method.DENSE) {
      return GRAIN;
    }
    return options.equals(asked) || options.scoresAs(asked) ? decoding.noteInterval() : 0;
  }

  /**
   * Begins as another sequence of the same decoder; this one must be empty. A prompt must be read
   * next; the core neurons then follow from it and from the prompts that are taken over, as the
   * answers between them were not scored.
   *
   * @param most the most tokens to take over
   * @return how many were taken over: {@link Beginning#usable}
   */
  public int beginAs(Beginning other, int most) {
    if (!isEmpty()) {
      throw new IllegalStateException("the sequence has " + position() + " tokens already");
    }
    int taken = other.usable(most, options);
    if (taken > 0) {
      state.beginAs(other.keys(), taken);
      decoding.begin(other.noted(), taken, options);
    }
    promptEnd = Math.min(other.promptEnd(), taken);
    return taken;
  }

  /** Takes the next token, which is computed by {@link #decode} or with the next prompt. */
  public void accept(int token) {
    if (pending != NONE) {
      throw new IllegalStateException("the token before was not decoded yet");
    }
    pending = token;
  }

  /** As the other one, unheard. */
  public Logits decode() {
    return decode(fraction -> {});
  }

  /**
   * Computes the accepted token with the core neurons, or with all of them if the core neurons are
   * to be renewed. If it fails or is cancelled the sequence is as it was before.
   *
   * @param monitor hears of a renewal's progress; may throw to end it
   * @return the logits after it, valid until the next call
   */
  public Logits decode(Decoder.Monitor monitor) {
    Logits logits = decoding.decode(pending, monitor);
    pending = NONE;
    return logits;
  }

  /**
   * Computes the accepted token with every neuron; the core neurons stay chosen.
   *
   * @return the logits after it, valid until the next call
   */
  public Logits decodeDensely() {
    Logits logits = decoding.decodeDensely(pending);
    pending = NONE;
    return logits;
  }

  /**
   * Goes back to where the first {@code tokens} tokens had been read or decoded. The core neurons
   * stay chosen, and the scores of what was read count on, unless {@code tokens} is 0: then the
   * sequence is as a new one.
   */
  public void rewind(int tokens) {
    state.truncate(tokens);
    promptEnd = Math.min(promptEnd, tokens);
    pending = NONE;
    if (tokens == 0) {
      decoding.forget();
    }
  }

  /**
   * Whether the accepted token can be computed together with other sequences' tokens, as it renews
   * nothing.
   */
  boolean isBatchable() {
    return !isLossless() && !decoding.isRenewalDue();
  }

  /**
   * Computes the accepted token of each sequence, all of the same decoder, in one pass over the
   * weights where that is possible; each gets the bits of {@link #decode}. If it fails the
   * sequences are as they were before.
   *
   * @param sequences batchable ones, at most {@link Backend#DECODE_TOKENS}
   * @return the logits after each of them, valid until the next call with its sequence
   */
  static List<Logits> decodeTogether(List<Sequence> sequences) {
    List<BatchEntry> entries =
        sequences.stream().map(s -> new BatchEntry(s.state, s.pending, s.neurons())).toList();
    List<Logits> logits = sequences.get(0).decoder.decodeTogether(entries);
    for (Sequence each : sequences) {
      each.decoding.decoded();
      each.pending = NONE;
    }
    return logits;
  }

  // ---- saving ----

  /**
   * Writes everything that further tokens depend on; {@link #load} goes on from there to the same
   * bits.
   *
   * @param fingerprint of the model's weights
   */
  public void save(byte[] fingerprint, OutputStream out) throws IOException {
    new SequenceFile(decoder, options, decoding, state).save(fingerprint, pending, out);
  }

  /**
   * Goes on where a saved sequence was, in place of what is here; if it fails the sequence is
   * empty.
   *
   * @param name of the file, for messages
   * @throws SessionFormatException if the file is broken, or of another model, other options or
   *     another version
   */
  public void load(byte[] fingerprint, InputStream in, String name) throws IOException {
    boolean isLoaded = false;
    pending = NONE;
    try {
      pending = new SequenceFile(decoder, options, decoding, state).load(fingerprint, in, name);
      promptEnd = 0;
      isLoaded = true;
    } finally {
      if (!isLoaded) {
        rewind(0);
      }
    }
  }

  // ---- drafting ----

  /** Whether core neurons only draft tokens. */
  boolean isLossless() {
    return options.method() != CoreOptions.Method.DENSE && options.upkeep().isLossless();
  }

  /** The weights that drafting a token reads, relative to decoding it densely. */
  double draftCost() {
    return (double) decoder.bytesPerToken(neurons()) / decoder.bytesPerToken(decoder.allNeurons());
  }

  /** The accepted token that was not decoded yet. */
  int pending() {
    return pending;
  }

  /**
   * Computes a token with the core neurons, for now: {@link #takeBack} must follow.
   *
   * @return the logits after it, valid until the next call
   */
  Logits draft(int token) {
    return decoding.draft(token);
  }

  /** Goes back to the first {@code position} tokens. */
  void takeBack(int position) {
    state.truncate(position);
  }

  /**
   * Computes the accepted token, and drafts after it, with every neuron. Where there are drafts it
   * also chooses the core neurons anew from what that shows: more drafts are accepted then. They
   * are not part of the sequence yet: those that are accepted, from the first one on, are added by
   * {@link #skip}.
   *
   * @return the logits after each of them, valid until the next call
   */
  List<Logits> verify(int[] drafts) {
    int[] tokens = new int[drafts.length + 1];
    tokens[0] = pending;
    System.arraycopy(drafts, 0, tokens, 1, drafts.length);
    List<Logits> logits = decoding.verify(tokens);
    pending = NONE;
    state.truncate(state.position() - drafts.length);
    return logits;
  }

  /** Takes the accepted token, which was verified, as decoded. */
  void skip() {
    state.restore(1);
    pending = NONE;
  }

  @Override
  public void close() {
    resources.close();
  }
}
