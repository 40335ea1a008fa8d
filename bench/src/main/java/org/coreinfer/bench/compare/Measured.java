package org.coreinfer.bench.compare;

import org.jspecify.annotations.Nullable;

/**
 * What one run of an engine showed.
 *
 * @param promptRate tokens of the prompt per second; null if it was not measured
 * @param decodeRate decoded tokens per second
 * @param bytesPerToken weights that decoding a token read; null where only the engine could know
 * @param bandwidth bytes per second that this machine reads; null if the engine doesn't say
 * @param version what the engine says of itself
 */
record Measured(
    @Nullable Double promptRate,
    double decodeRate,
    @Nullable Long bytesPerToken,
    @Nullable Double bandwidth,
    @Nullable String version) {}
