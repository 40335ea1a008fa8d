package org.coreinfer.evaluation;

import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.jspecify.annotations.Nullable;

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
   * @param klWithoutRefresh the divergence of a set that is not renewed, but so much larger that as
   *     many neurons are computed in each document; null if the set is never renewed anyway
   * @param lossless of lossless options; null of others
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
      Estimate bytesPerToken,
      @Nullable Estimate klWithoutRefresh,
      @Nullable Lossless lossless) {}

  /**
   * Greedy answers to the documents' prompts, drafted with core neurons and verified with all.
   *
   * @param draftsPerPass that were made whether they pay or not; 0 for as many as pay
   * @param sameAnswers documents whose answer was that of dense decoding, token for token
   * @param accepted share of drafts; NaN if none was made
   * @param tokensPerPass that a pass through every neuron gave
   * @param tokensPerSecond after the first token
   * @param denseTokensPerSecond the same of dense decoding, measured in turn
   * @param speed relative to dense decoding
   */
  public record Lossless(
      int draftsPerPass,
      int sameAnswers,
      Estimate accepted,
      Estimate tokensPerPass,
      Estimate tokensPerSecond,
      Estimate denseTokensPerSecond,
      Estimate speed) {}
}
