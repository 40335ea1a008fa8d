/**
 * Models of real sizes with random weights, for benchmarks: a {@link
 * org.coreinfer.synthesis.ModelShape} names the sizes, {@link
 * org.coreinfer.synthesis.SyntheticModel} writes the file. What they say is noise; how quickly they
 * say it is not.
 */
@NullMarked
package org.coreinfer.synthesis;

import org.jspecify.annotations.NullMarked;
