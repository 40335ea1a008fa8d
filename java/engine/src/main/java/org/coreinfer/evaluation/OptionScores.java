package org.coreinfer.evaluation;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How core decoding did in one document with one choice of options: the sums of {@link
 * DocumentScores}, and what was compared besides. Serializable, so that documents can be scored on
 * other machines.
 *
 * @param tokens scored tokens
 * @param denseNll negative log-likelihood of the tokens by dense decoding, in nats
 * @param coreNll the same by core decoding
 * @param divergence KL(dense || core), in nats
 * @param agreements tokens for which both find the same one most likely
 * @param common probability that both predictions have in common
 * @param keep shares of all neurons that were computed
 * @param bytes of weights that were read
 * @param overlap of the prompt's set with the continuation's: see {@link CoreSet#overlap}
 * @param divergenceWithoutRefresh of a larger set that is not renewed; null if the set is never
 *     renewed anyway
 */
public record OptionScores(
    int tokens,
    double denseNll,
    double coreNll,
    double divergence,
    int agreements,
    double common,
    double keep,
    double bytes,
    double overlap,
    @Nullable Double divergenceWithoutRefresh)
    implements Serializable {

  static OptionScores of(
      DocumentScores scores, double overlap, @Nullable Double divergenceWithoutRefresh) {
    return new OptionScores(
        scores.tokens(),
        scores.denseNll(),
        scores.coreNll(),
        scores.divergence(),
        scores.agreements(),
        scores.common(),
        scores.keep(),
        scores.bytes(),
        overlap,
        divergenceWithoutRefresh);
  }
}
