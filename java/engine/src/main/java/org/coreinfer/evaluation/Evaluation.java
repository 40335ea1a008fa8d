package org.coreinfer.evaluation;

import java.util.List;
import org.coreinfer.core.CoreOptions;

/**
 * What dense and core decoding made of the same documents. Means are over all scored tokens of all
 * documents.
 *
 * @param tokens scored tokens
 * @param cores one for each of the options that were compared
 */
public record Evaluation(int documents, long tokens, Dense dense, List<Core> cores) {
  /**
   * Decoding with every neuron.
   *
   * @param nll negative log-likelihood per token, in nats
   * @param bytesPerToken of weights that decoding a token reads
   */
  public record Dense(Estimate nll, Estimate perplexity, long bytesPerToken) {}

  /**
   * Decoding with core neurons.
   *
   * @param nll negative log-likelihood per token, in nats
   * @param perplexityRatio to dense decoding
   * @param kl divergence of its predictions from the dense ones, in nats per token
   * @param top1Agreement share of tokens for which both find the same one most likely: of tokens
   *     drafted greedily, the share that lossless decoding accepts
   * @param acceptance the same share of tokens that are drafted by sampling
   * @param overlap of the prompt's set with the one that the continuation would choose: see {@link
   *     CoreSet#overlap}
   * @param keepMeasured share of neurons that was computed, over all layers
   * @param bytesPerToken of weights that decoding a token reads
   */
  public record Core(
      CoreOptions options,
      Estimate nll,
      Estimate perplexity,
      Estimate perplexityRatio,
      Estimate kl,
      Estimate top1Agreement,
      Estimate acceptance,
      Estimate overlap,
      Estimate keepMeasured,
      Estimate bytesPerToken) {}
}
