package org.coreinfer.model;

import org.jspecify.annotations.Nullable;

/**
 * One layer beside its FFN's weights: attention, then FFN, each behind its norm and added to the
 * residual stream.
 *
 * @param queryNorm norm of each query head, where the family has one
 * @param keyNorm norm of each key head
 */
record Block(
    Norm attentionNorm,
    Linear query,
    Linear key,
    Linear value,
    Linear output,
    @Nullable Norm queryNorm,
    @Nullable Norm keyNorm,
    Norm ffnNorm) {}
