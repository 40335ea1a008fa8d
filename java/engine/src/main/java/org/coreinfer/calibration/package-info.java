/**
 * Learns from a corpus what {@link org.coreinfer.core.Calibration} tells decoding. {@link
 * org.coreinfer.calibration.Calibrator} reads the documents, {@link
 * org.coreinfer.calibration.Clusters} groups them by their core neurons, {@link
 * org.coreinfer.calibration.BudgetPlanner} shares neurons among layers, and {@link
 * org.coreinfer.calibration.DivergenceMeter} measures what it all costs.
 */
@NullMarked
package org.coreinfer.calibration;

import org.jspecify.annotations.NullMarked;
