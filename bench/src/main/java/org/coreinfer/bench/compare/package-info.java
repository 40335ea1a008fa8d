/**
 * Runs this engine and other engines' binaries in turn, on the same files and threads, and says how
 * quick each was: {@link org.coreinfer.bench.compare.CompareCommand}. It starts binaries that are
 * there; it holds nothing of theirs.
 */
@NullMarked
package org.coreinfer.bench.compare;

import org.jspecify.annotations.NullMarked;
