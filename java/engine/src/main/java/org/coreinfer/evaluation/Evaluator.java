package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.model.Decoder;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Compares core decoding with dense decoding on given texts, for any number of options at once:
 * each document is decoded densely once, then with the core neurons of each of the options. A set
 * that is renewed now and then is also compared with a larger one that isn't; lossless options also
 * answer the prompts. For one thread at a time.
 */
public final class Evaluator {
  private final Decoder decoder;
  private final DType cacheDtype;
  private final Comparison comparison;
  private final List<Tally> tallies;

  /** Lossless options draft as many tokens as pay. */
  public Evaluator(Decoder decoder, List<CoreOptions> options, DType cacheDtype) {
    this(decoder, options, 0, cacheDtype);
  }

  /**
   * @param options at least one
   * @param draftsPerPass of lossless options, whether they pay or not; 0 for as many as pay
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Evaluator(
      Decoder decoder, List<CoreOptions> options, int draftsPerPass, DType cacheDtype) {
    if (options.isEmpty()) {
      throw new IllegalArgumentException("there are no options to evaluate");
    }
    options.forEach(each -> each.requireSuits(decoder.config()));
    this.decoder = decoder;
    this.cacheDtype = cacheDtype;
    this.comparison = new Comparison(decoder, cacheDtype);
    this.tallies =
        options.stream()
            .map(each -> new Tally(each, trial(decoder, each, draftsPerPass, cacheDtype)))
            .toList();
  }

  private static @Nullable LosslessTrial trial(
      Decoder decoder, CoreOptions options, int draftsPerPass, DType cacheDtype) {
    return options.upkeep().isLossless() && options.method() != Method.DENSE
        ? new LosslessTrial(decoder, options, draftsPerPass, cacheDtype)
        : null;
  }

  /**
   * How many of a document's tokens are its prompt: the fraction, rounded down, but at least one,
   * and leaving at least one.
   */
  public static int promptTokens(int tokens, double fraction) {
    return Math.max(1, Math.min(tokens - 1, (int) Math.floor(tokens * fraction)));
  }

  /**
   * Scores {@code ids} after the first {@code promptTokens}.
   *
   * @param monitor hears of the document's progress; may throw to end it, after which this
   *     evaluator is of no further use
   */
  public void add(int[] ids, int promptTokens, Decoder.Monitor monitor) {
    Steps steps = new Steps(monitor, 1 + tallies.stream().mapToInt(Evaluator::steps).sum());
    try (DenseReference reference = comparison.dense(ids, promptTokens, steps.next())) {
      add(scores(reference, steps));
      for (Tally tally : tallies) {
        LosslessTrial trial = tally.lossless();
        if (trial != null) {
          trial.add(reference, steps.next());
        }
      }
    }
  }

  /**
   * Scores a document without adding it, for an evaluator elsewhere, which may have more options:
   * no number depends on what else is scored. Lossless options answer nothing.
   *
   * @return for each of the options how it did
   */
  public List<OptionScores> score(int[] ids, int promptTokens, Decoder.Monitor monitor) {
    Steps steps = new Steps(monitor, 1 + tallies.stream().mapToInt(Evaluator::steps).sum());
    try (DenseReference reference = comparison.dense(ids, promptTokens, steps.next())) {
      return scores(reference, steps);
    }
  }

  /**
   * Adds a document that was scored.
   *
   * @param scores for each of the options how it did
   */
  public void add(List<OptionScores> scores) {
    if (scores.size() != tallies.size()) {
      throw new IllegalArgumentException(
          "%d scores for %d options".formatted(scores.size(), tallies.size()));
    }
    for (int i = 0; i < tallies.size(); i++) {
      tallies.get(i).add(scores.get(i));
    }
  }

  private List<OptionScores> scores(DenseReference reference, Steps steps) {
    List<CoreSet> continuations = continuations(reference);
    List<OptionScores> all = new ArrayList<>();
    for (int i = 0; i < tallies.size(); i++) {
      Tally tally = tallies.get(i);
      DocumentScores scores = comparison.compare(reference, tally.options(), steps.next());
      Double notRefreshed = null;
      if (isRefreshed(tally)) {
        CoreOptions larger = notRefreshed(tally.options(), scores.keep() / scores.tokens());
        notRefreshed = comparison.compare(reference, larger, steps.next()).divergence();
      }
      double overlap = CoreSet.of(scores.prompted()).overlap(continuations.get(i));
      all.add(OptionScores.of(scores, overlap, notRefreshed));
    }
    return all;
  }

  private static int steps(Tally tally) {
    return 1 + (isRefreshed(tally) ? 1 : 0) + (tally.lossless() == null ? 0 : 1);
  }

  private static boolean isRefreshed(Tally tally) {
    CoreOptions options = tally.options();
    return options.method() != Method.DENSE && options.upkeep().refresh() != 0;
  }

  /**
   * The options without refresh that compute as many neurons.
   *
   * @param measured share of all neurons that was computed
   */
  private CoreOptions notRefreshed(CoreOptions options, double measured) {
    int layers = decoder.config().layers();
    double sparse = (double) IntStream.range(0, layers).filter(options::isSparse).count() / layers;
    double keep = (measured - (1 - sparse)) / sparse;
    CoreOptions larger = options.withKeep(Math.max(options.keep(), Math.min(1, keep)));
    boolean compensates = options.upkeep().compensates() && (!hasMap(options) || hasMap(larger));
    return larger.withUpkeep(new Upkeep(0, compensates, false));
  }

  private static boolean hasMap(CoreOptions options) {
    Calibration calibration = options.calibration();
    return calibration != null
        && options.layers() == null
        && calibration.mapFor(options.keep()) != null;
  }

  /** Makes one progress of that of several steps of equal weight. */
  private static final class Steps {
    private final Decoder.Monitor monitor;
    private final double count;
    private int begun;

    Steps(Decoder.Monitor monitor, int count) {
      this.monitor = monitor;
      this.count = count;
    }

    Decoder.Monitor next() {
      double done = begun++;
      return part -> monitor.progress((done + part) / count);
    }
  }

  /** For each of the options what the continuation alone would choose. */
  private List<CoreSet> continuations(DenseReference reference) {
    try (SetReader reader = new SetReader(decoder, reference.ids().length, cacheDtype)) {
      reader.begin(reference.prompt());
      int[] continuation = reference.continuation();
      return tallies.stream().map(t -> reader.choose(t.options(), continuation)).toList();
    }
  }

  /**
   * The outcome of all documents so far.
   *
   * @throws IllegalStateException if there is none
   */
  public Evaluation result() {
    Tally first = tallies.get(0);
    if (first.documents() == 0) {
      throw new IllegalStateException("no token was scored");
    }
    Bootstrap bootstrap = new Bootstrap(first.documents());
    return new Evaluation(
        first.documents(),
        first.tokens(),
        first.dense(bootstrap, decoder.bytesPerToken(decoder.allNeurons())),
        tallies.stream().map(tally -> tally.core(bootstrap)).toList());
  }
}
