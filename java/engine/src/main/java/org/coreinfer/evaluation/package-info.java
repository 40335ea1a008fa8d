/**
 * How much core neurons change what a model predicts. {@link org.coreinfer.evaluation.Documents}
 * cuts a text, {@link org.coreinfer.evaluation.Evaluator} runs each document through dense and core
 * decoding, {@link org.coreinfer.evaluation.Evaluation} is the outcome.
 */
@NullMarked
package org.coreinfer.evaluation;

import org.jspecify.annotations.NullMarked;
