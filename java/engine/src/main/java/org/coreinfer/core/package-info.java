/**
 * Which neurons decoding computes. While a prompt is read, a {@link org.coreinfer.core.Rule} scores
 * every neuron into {@link org.coreinfer.core.NeuronScores}, which then chooses the best of each
 * layer.
 */
@NullMarked
package org.coreinfer.core;

import org.jspecify.annotations.NullMarked;
