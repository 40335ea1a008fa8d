package org.coreinfer.core;

import java.io.IOException;
import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.model.StateReader;
import org.coreinfer.model.StateWriter;
import org.coreinfer.model.Tail;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.jspecify.annotations.Nullable;

/**
 * One sequence's scores of every neuron, collected while prompts are read, after which the highest
 * ones are chosen. A further prompt adds to what was counted so far, and a {@link Refresh} adds a
 * token now and then.
 *
 * <p>Tokens are summed in blocks that begin at multiples of {@link #BLOCK}, so that scores don't
 * depend on the pieces in which a prompt is read, if those end there, too.
 */
public final class NeuronScores implements ActivationListener, AutoCloseable {
  /** Tokens that are summed before they are added to what was counted so far. */
  public static final int BLOCK = 64;

  private final Decoder decoder;
  private final Backend queue;
  private final CoreOptions options;
  private final Rule rule;
  private final @Nullable Prior prior;
  private final @Nullable ScoreTable priorScores; // what the prior said of the latest prompt
  private final @Nullable NativeMemory fused; // (neurons), with the prior
  private final @Nullable MeanTail means;
  private final @Nullable LinearTail estimate;
  private final Resources memory = new Resources();
  private final int[] positions; // by layer, of the next token that will be observed
  private ScoreTable scores;
  private @Nullable ScoreHistory history;
  private int observedLayers;

  /**
   * @param queue the backend on which prompts are read
   */
  public NeuronScores(Decoder decoder, Backend queue, CoreOptions options) {
    ModelConfig config = decoder.config();
    this.decoder = decoder;
    this.queue = queue;
    this.options = options;
    this.rule = Rules.of(options.rule(), options.alpha());
    this.prior = priorOf(options);
    LinearMap map = mapOf(options);
    this.positions = new int[config.layers()];
    this.scores = new ScoreTable(queue, "neuron scores", config.layers(), config.neurons());
    memory.onClose(() -> scores.close());
    try {
      if (prior == null) {
        priorScores = null;
        fused = null;
      } else {
        priorScores = new ScoreTable(queue, "prior scores", config.layers(), config.neurons());
        memory.onClose(priorScores::close);
        fused = memory.own(queue.allocateFloats("scores with a prior", config.neurons()));
      }
      this.estimate = map == null ? null : new LinearTail(queue, map);
      if (estimate != null) {
        memory.onClose(estimate::close);
      }
      boolean isMean = options.upkeep().compensates() && estimate == null;
      this.means = isMean ? new MeanTail(queue, config) : null;
      if (means != null) {
        memory.onClose(means::close);
      }
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  private static @Nullable LinearMap mapOf(CoreOptions options) {
    Calibration calibration = options.calibration();
    return calibration != null && options.upkeep().compensates() && options.sharesKeep()
        ? calibration.mapFor(options.keep())
        : null;
  }

  private static @Nullable Prior priorOf(CoreOptions options) {
    Calibration calibration = options.calibration();
    return options.usesPrior() && calibration != null ? new Prior(calibration) : null;
  }

  /**
   * Says where in the sequence the next observed token stands.
   *
   * @param keeps receives scores at its points; null if nobody will go back
   */
  public void startAt(int position, @Nullable ScoreHistory keeps) {
    Arrays.fill(positions, position);
    history = keeps;
  }

  @Override
  public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    if (layer == 0 && prior != null) {
      prior.reset();
    }
    observedLayers = layer + 1;
    long rowBytes = (long) ffn.neurons() * Float.BYTES;
    int done = 0;
    while (done < tokens) {
      int left = tokens - done;
      int count = needsWholePrompt() ? left : Math.min(left, BLOCK - positions[layer] % BLOCK);
      observeBlock(layer, ffn, activations.slice(done * rowBytes, count * rowBytes), count);
      done += count;
      positions[layer] += count;
      keep(layer);
    }
  }

  private void observeBlock(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    if (prior != null || options.isSparse(layer)) {
      rule.score(queue, activations, tokens, ffn.neurons(), scores.layer(layer));
    }
    if (means != null && options.isSparse(layer)) {
      means.observe(layer, activations, tokens);
    }
  }

  private void keep(int layer) {
    int position = positions[layer];
    if (history == null || needsWholePrompt() || !history.wants(position)) {
      return;
    }
    ModelConfig config = decoder.config();
    Snapshot snapshot = history.at(position, new Snapshot(config, means != null));
    float[] known = scores(layer);
    System.arraycopy(known, 0, snapshot.scores, layer * known.length, known.length);
    if (means != null && snapshot.means != null) {
      means.copy(layer, snapshot.means);
    }
  }

  @Override
  public boolean needsWholePrompt() {
    return rule.needsWholePrompt();
  }

  @Override
  public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
    if (isSparse(layer) && prior != null && priorScores != null) {
      while (prior.seenLayers() < observedLayers) {
        prior.see(scores(prior.seenLayers()));
      }
      queue.upload(prior.scores(layer, priorTokens()), priorScores.layer(layer));
    }
    return choose(scores, layer, ffn, coreIds, core);
  }

  /**
   * Chooses by {@code table}, with the prior if there is one. What stands for the others is then
   * the mean of those that are left out now.
   */
  int choose(ScoreTable table, int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
    if (!isSparse(layer)) {
      return 0;
    }
    int neurons = ffn.neurons();
    int count = options.mostChosen(layer, decoder.config());
    NativeMemory ranked = table.layer(layer);
    if (fused != null && priorScores != null) {
      queue.scoreScale(0, neurons, fused);
      queue.add(priorScores.layer(layer), neurons, fused);
      if (options.method() == CoreOptions.Method.AUTO) {
        queue.add(ranked, neurons, fused);
      }
      ranked = fused;
    }
    boolean onlySeen = rule.choosesOnlySeen();
    queue.scoreSelect(ranked, weights(layer, ffn), neurons, count, onlySeen, coreIds, core);
    if (means != null) {
      means.leaveOut(layer, ffn, queue.downloadInts(coreIds, queue.downloadInts(core, 1)[0]));
    }
    return count;
  }

  /** Whether neurons of a layer are chosen, short of all. */
  boolean isSparse(int layer) {
    ModelConfig config = decoder.config();
    return options.mostChosen(layer, config) < config.neurons();
  }

  /** What each neuron's score counts times; null for 1. */
  @Nullable NativeMemory weights(int layer, FfnWeights ffn) {
    return rule.weighsDownRows() ? decoder.downNorms().squared(queue, layer, ffn) : null;
  }

  /** What stands for the neurons that are left out; null for nothing. */
  public @Nullable Tail tail() {
    return estimate != null ? estimate : means;
  }

  /** Whether {@link #tail} differs from one set to the next. */
  public boolean choosesTail() {
    return means != null;
  }

  /** The neurons that were chosen for a sequence, with what stands for the others. */
  public NeuronSet chosen(DecoderState state) {
    return state.chosen().withTail(tail());
  }

  private int priorTokens() {
    Calibration calibration = options.calibration();
    return calibration == null ? 0 : calibration.priorTokens();
  }

  /** The calibration's cluster that is nearest to what was read; -1 if none is asked for. */
  public int cluster() {
    return prior == null ? -1 : prior.cluster();
  }

  Rule rule() {
    return rule;
  }

  /** Scores of all layers. */
  ScoreTable table() {
    return scores;
  }

  /** Takes another table in place of {@link #table}, which is returned. */
  ScoreTable swap(ScoreTable other) {
    ScoreTable before = scores;
    scores = other;
    return before;
  }

  /** A copy of one layer's scores. */
  public float[] scores(int layer) {
    return queue.downloadFloats(scores.layer(layer), decoder.config().neurons());
  }

  /** What was scored so far, for {@link #restore}. */
  public static final class Snapshot {
    private final float[] scores;
    private final MeanTail.@Nullable Snapshot means;

    private Snapshot(ModelConfig config, boolean hasMeans) {
      int size = Math.multiplyExact(config.layers(), config.neurons());
      this.scores = new float[size];
      this.means =
          hasMeans ? new MeanTail.Snapshot(new float[size], new long[config.layers()]) : null;
    }

    private Snapshot(float[] scores, MeanTail.@Nullable Snapshot means) {
      this.scores = scores;
      this.means = means;
    }
  }

  public Snapshot snapshot() {
    return new Snapshot(scores.download(), means == null ? null : means.snapshot());
  }

  /** Takes back everything that was scored. */
  public void forget() {
    startAt(0, null);
    scores.scale(0);
    if (means != null) {
      means.forget();
    }
    forgetPrior(0);
  }

  /** Takes back everything that was scored after {@code snapshot}. */
  public void restore(Snapshot snapshot) {
    scores.upload(snapshot.scores);
    if (means != null && snapshot.means != null) {
      means.restore(snapshot.means);
    }
    forgetPrior(decoder.config().layers());
  }

  /** Writes everything that the choices of further tokens depend on. */
  public void save(StateWriter writer) throws IOException {
    writer.put(scores.download());
    if (priorScores != null) {
      writer.put(priorScores.download());
    }
    if (means != null) {
      means.save(writer);
    }
  }

  /** Reads what was saved with the same options. */
  public void load(StateReader reader) throws IOException {
    ModelConfig config = decoder.config();
    int count = Math.multiplyExact(config.layers(), config.neurons());
    scores.upload(reader.getFloats("the neurons' scores", count));
    if (priorScores != null) {
      priorScores.upload(reader.getFloats("the cluster's scores", count));
    }
    if (means != null) {
      means.load(reader);
    }
    forgetPrior(config.layers());
  }

  /** Has a state list a set that was chosen by scores as they are, with what stands for others. */
  public NeuronSet choose(DecoderState state, NeuronSet set) {
    decoder.choose(
        state,
        new ActivationListener() {
          @Override
          public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {}

          @Override
          public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
            int[] listed = set.ids(layer);
            if (!isSparse(layer)) {
              return 0;
            }
            queue.upload(listed, coreIds);
            queue.upload(new int[] {listed.length}, core);
            if (means != null) {
              means.leaveOut(layer, ffn, listed);
            }
            return listed.length;
          }
        });
    return chosen(state);
  }

  private void forgetPrior(int layersToSee) {
    if (prior != null) {
      prior.reset();
    }
    observedLayers = layersToSee;
  }

  @Override
  public void close() {
    memory.close();
  }
}
