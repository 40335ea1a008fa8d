package org.coreinfer.evaluation;

import org.coreinfer.model.NeuronSet;

/**
 * How core decoding did in one document. Sums are over its scored tokens.
 *
 * @param tokens scored tokens
 * @param denseNll negative log-likelihood of the tokens by dense decoding, in nats
 * @param coreNll the same by core decoding
 * @param divergence KL(dense || core), in nats
 * @param agreements tokens for which both find the same one most likely
 * @param common probability that both predictions have in common
 * @param keep shares of all neurons that were computed
 * @param bytes of weights that were read
 * @param prompted what the prompt chose
 */
public record DocumentScores(
    int tokens,
    double denseNll,
    double coreNll,
    double divergence,
    int agreements,
    double common,
    double keep,
    double bytes,
    NeuronSet prompted) {}
