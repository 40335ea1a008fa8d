/**
 * Scores of answers against references, as the field computes them. {@link
 * org.coreinfer.evaluation.metric.Metrics} lists them. Nothing here knows of models.
 */
@NullMarked
package org.coreinfer.evaluation.metric;

import org.jspecify.annotations.NullMarked;
