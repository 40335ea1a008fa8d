package org.coreinfer.model;

import org.coreinfer.backend.Backend;
import org.coreinfer.backend.RowPacks;
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
    Norm ffnNorm) {

  /** Query, key and value of each row of {@code s.normed()}. */
  void decodeInputs(Backend on, int tokens, Scratch s) {
    @Nullable RowPacks queryPacks = query.packs();
    @Nullable RowPacks keyPacks = key.packs();
    @Nullable RowPacks valuePacks = value.packs();
    if (queryPacks != null
        && keyPacks != null
        && valuePacks != null
        && RowPacks.areAttentionInputs(queryPacks, keyPacks, valuePacks)) {
      RowPacks.attentionInputs(
          queryPacks, keyPacks, valuePacks, s.normed(), tokens, s.query(), s.key(), s.value());
    } else {
      query.decode(on, s.normed(), tokens, s.query());
      key.decode(on, s.normed(), tokens, s.key());
      value.decode(on, s.normed(), tokens, s.value());
    }
  }
}
