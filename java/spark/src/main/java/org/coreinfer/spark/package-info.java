/**
 * Many texts on Apache Spark: {@link org.coreinfer.spark.CoreInferBatch} answers the rows of a
 * dataset, {@link org.coreinfer.spark.CoreInferCalibration} calibrates on a corpus, and {@link
 * org.coreinfer.spark.CoreInferSweep} evaluates many choices of neurons. A model is never divided
 * among machines: each executor's process loads all of it, once ({@code Engines}), and the cluster
 * multiplies these engines.
 *
 * <p>A partition's rows stream through {@code AnsweringIterator} into the executor's scheduler, a
 * few at a time, and leave in their order. {@code BatchRun} is {@code coreinfer batch}.
 */
@NullMarked
package org.coreinfer.spark;

import org.jspecify.annotations.NullMarked;
