/**
 * Questions with known answers, asked of dense and core decoding. {@link
 * org.coreinfer.evaluation.task.TaskFile} reads a published file, in a format that one {@code
 * ...Format} class understands, as a {@link org.coreinfer.evaluation.task.Task}; {@link
 * org.coreinfer.evaluation.task.FewShotPrompts} makes prompts of it by the {@link
 * org.coreinfer.evaluation.task.PromptTemplate} of its {@link
 * org.coreinfer.evaluation.task.TaskKind}; {@link org.coreinfer.evaluation.task.TaskEvaluator} lets
 * the model answer, and {@link org.coreinfer.evaluation.task.TaskReport} is the outcome.
 */
@NullMarked
package org.coreinfer.evaluation.task;

import org.jspecify.annotations.NullMarked;
