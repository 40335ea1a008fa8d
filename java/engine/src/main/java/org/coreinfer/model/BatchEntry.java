package org.coreinfer.model;

/**
 * One sequence's part of a step over several.
 *
 * @param token the one to append
 * @param neurons those that are computed for it
 */
public record BatchEntry(DecoderState state, int token, NeuronSet neurons) {}
