package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.tensor.DType;

/** Reads texts densely, and says which neurons they choose. For one thread at a time. */
public final class SetReader implements AutoCloseable {
  private final Decoder decoder;
  private final DecoderState state;
  private int context;

  /**
   * @param capacity the most tokens of a text
   * @param cacheDtype of keys and values, F32 or F16
   */
  public SetReader(Decoder decoder, int capacity, DType cacheDtype) {
    this.decoder = decoder;
    this.state = decoder.newState(capacity, Sequence.CHUNK, cacheDtype);
  }

  /** Begins a new text with tokens that choose nothing themselves. */
  void begin(int[] tokens) {
    state.truncate(0);
    decoder.prefill(state, tokens, Sequence.CHUNK, ActivationListener.NONE, null, part -> {});
    context = tokens.length;
  }

  /** The neurons that {@code tokens} choose, read after those that the text began with. */
  CoreSet choose(CoreOptions options, int[] tokens) {
    state.truncate(context);
    try (NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
      return read(scores, tokens, part -> {});
    }
  }

  /**
   * The neurons that a text's first tokens choose, for several lengths.
   *
   * @param lengths ascending, from 1 on; none is above the number of {@code ids}
   * @param monitor may throw to end the reading
   */
  public List<CoreSet> prefixes(
      CoreOptions options, int[] ids, int[] lengths, Decoder.Monitor monitor) {
    state.truncate(0);
    context = 0;
    List<CoreSet> sets = new ArrayList<>();
    NeuronScores scores = new NeuronScores(decoder, state.queue(), options);
    try {
      int begin = 0;
      for (int length : lengths) {
        if (scores.needsWholePrompt()) {
          scores.forget();
          state.truncate(0);
          begin = 0;
        }
        double done = sets.size();
        sets.add(
            read(
                scores,
                Arrays.copyOfRange(ids, begin, length),
                part -> monitor.progress((done + part) / lengths.length)));
        begin = length;
      }
      return sets;
    } finally {
      scores.close();
    }
  }

  private CoreSet read(NeuronScores scores, int[] tokens, Decoder.Monitor monitor) {
    decoder.prefill(state, tokens, Sequence.CHUNK, scores, null, monitor);
    return CoreSet.of(state.chosen());
  }

  @Override
  public void close() {
    state.close();
  }
}
