/**
 * JMH benchmarks, one class for each stage of the engine, and {@link
 * org.coreinfer.bench.BenchmarkCommand}, which runs them. Weights and models are random, of the
 * sizes that a {@link org.coreinfer.synthesis.ModelShape} names; a {@link
 * org.coreinfer.bench.Workbench} holds them. Results are rates or times per operation, never
 * checked: the engine's tests do that. The package compare runs whole engines against each other.
 */
@NullMarked
package org.coreinfer.bench;

import org.jspecify.annotations.NullMarked;
