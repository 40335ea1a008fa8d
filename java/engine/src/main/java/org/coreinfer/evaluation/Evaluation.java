package org.coreinfer.evaluation;

/**
 * What dense and core decoding made of the same documents. Means are over all scored tokens of all
 * documents.
 *
 * @param tokens scored tokens
 */
public record Evaluation(int documents, long tokens, Dense dense, Core core) {
  /**
   * Decoding with every neuron.
   *
   * @param nll negative log-likelihood per token, in nats
   */
  public record Dense(double nll, double perplexity) {}

  /**
   * Decoding with the prompt's core neurons.
   *
   * @param nll negative log-likelihood per token, in nats
   * @param kl divergence of its predictions from the dense ones, in nats per token
   * @param top1Agreement share of tokens for which both find the same one most likely
   * @param keepMeasured share of neurons that was computed, over all layers
   */
  public record Core(
      double nll, double perplexity, double kl, double top1Agreement, double keepMeasured) {}
}
