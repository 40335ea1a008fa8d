package org.coreinfer.evaluation.metric;

/**
 * A score with its 95 % confidence interval, in percent.
 *
 * @param low where the interval begins
 * @param high where it ends
 */
public record Score(double value, double low, double high) {}
