package org.coreinfer.evaluation;

import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.Decoder;
import org.coreinfer.tensor.DType;

/**
 * Compares core decoding with dense decoding on given texts, for any number of options at once:
 * each document is decoded densely once, then with the core neurons of each of the options. For one
 * thread at a time.
 */
public final class Evaluator {
  private final Decoder decoder;
  private final DType cacheDtype;
  private final Comparison comparison;
  private final List<Tally> tallies;

  /**
   * @param options at least one
   * @param cacheDtype of keys and values, F32 or F16
   */
  public Evaluator(Decoder decoder, List<CoreOptions> options, DType cacheDtype) {
    if (options.isEmpty()) {
      throw new IllegalArgumentException("there are no options to evaluate");
    }
    options.forEach(each -> each.requireSuits(decoder.config()));
    this.decoder = decoder;
    this.cacheDtype = cacheDtype;
    this.comparison = new Comparison(decoder, cacheDtype);
    this.tallies = options.stream().map(Tally::new).toList();
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
    double runs = 1.0 + tallies.size();
    try (DenseReference reference =
        comparison.dense(ids, promptTokens, part -> monitor.progress(part / runs))) {
      List<CoreSet> continuations = continuations(reference);
      for (int i = 0; i < tallies.size(); i++) {
        Tally tally = tallies.get(i);
        double done = 1.0 + i;
        DocumentScores scores =
            comparison.compare(
                reference, tally.options(), part -> monitor.progress((done + part) / runs));
        tally.add(scores, CoreSet.of(scores.prompted()).overlap(continuations.get(i)));
      }
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
