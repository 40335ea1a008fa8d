/**
 * How much core neurons change what a model predicts, and how the sets themselves behave. {@link
 * org.coreinfer.evaluation.Documents} cuts a text, {@link org.coreinfer.evaluation.Comparison} runs
 * one document through dense and core decoding, {@link org.coreinfer.evaluation.Evaluator} does so
 * with many documents and options, {@link org.coreinfer.evaluation.Evaluation} is the outcome.
 * {@link org.coreinfer.evaluation.SetReader} reads which neurons a text chooses, and {@link
 * org.coreinfer.evaluation.SetStability}, {@link org.coreinfer.evaluation.TopicOverlap} and {@link
 * org.coreinfer.evaluation.NeuronFrequency} say what that shows. {@link
 * org.coreinfer.evaluation.SpeedTest} measures how quickly all of it goes.
 */
@NullMarked
package org.coreinfer.evaluation;

import org.jspecify.annotations.NullMarked;
