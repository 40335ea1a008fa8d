package org.coreinfer.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.TimedAnswer;
import org.coreinfer.model.Decoder;
import org.coreinfer.tensor.DType;

/**
 * What drafting with core neurons gains: documents' prompts are answered greedily, densely and
 * losslessly, one right after the other, each with as many tokens as the document goes on for. For
 * one thread at a time.
 */
final class LosslessTrial {
  private final Decoder decoder;
  private final CoreOptions options;
  private final int draftsPerPass;
  private final DType cacheDtype;
  private final List<Pair> pairs = new ArrayList<>();

  private record Pair(TimedAnswer dense, TimedAnswer lossless, Drafts drafts) {
    double steps() {
      return dense.tokens().length - 1.0;
    }
  }

  /**
   * @param options lossless
   * @param draftsPerPass as {@link TimedAnswer} takes it
   */
  LosslessTrial(Decoder decoder, CoreOptions options, int draftsPerPass, DType cacheDtype) {
    this.decoder = decoder;
    this.options = options;
    this.draftsPerPass = draftsPerPass;
    this.cacheDtype = cacheDtype;
  }

  /**
   * Answers the prompt of a document.
   *
   * @param monitor may throw to end it
   */
  void add(DenseReference document, Decoder.Monitor monitor) {
    TimedAnswer dense = answer(document, CoreOptions.dense(), part -> monitor.progress(part / 2));
    TimedAnswer lossless = answer(document, options, part -> monitor.progress((1 + part) / 2));
    Drafts drafts = lossless.drafts();
    if (drafts == null) {
      throw new IllegalStateException("nothing could be drafted with " + options.method());
    }
    pairs.add(new Pair(dense, lossless, drafts));
  }

  private TimedAnswer answer(DenseReference document, CoreOptions chosen, Decoder.Monitor monitor) {
    return TimedAnswer.of(
        decoder,
        chosen,
        draftsPerPass,
        document.prompt(),
        document.scoredTokens(),
        cacheDtype,
        monitor);
  }

  Evaluation.Lossless result(Bootstrap bootstrap) {
    return new Evaluation.Lossless(
        draftsPerPass,
        (int) pairs.stream().filter(pair -> pair.lossless().says(pair.dense())).count(),
        ratio(bootstrap, pair -> pair.drafts().accepted(), pair -> pair.drafts().drafted()),
        ratio(
            bootstrap,
            pair -> (double) pair.drafts().accepted() + pair.drafts().passes(),
            pair -> pair.drafts().passes()),
        ratio(bootstrap, Pair::steps, pair -> pair.lossless().decodeNanos() / 1e9),
        ratio(bootstrap, Pair::steps, pair -> pair.dense().decodeNanos() / 1e9),
        ratio(
            bootstrap, pair -> pair.dense().decodeNanos(), pair -> pair.lossless().decodeNanos()));
  }

  private Estimate ratio(
      Bootstrap bootstrap, ToDoubleFunction<Pair> value, ToDoubleFunction<Pair> weight) {
    return bootstrap.ratio(
        pairs.stream().mapToDouble(value).toArray(),
        pairs.stream().mapToDouble(weight).toArray(),
        x -> x);
  }
}
