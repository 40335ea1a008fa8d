package org.coreinfer.text;

import java.util.List;

/**
 * The tokens that go around a text.
 *
 * @param bos the begin-of-sequence token, or -1
 * @param prefix ids before every text
 * @param suffix ids after every text
 * @param ends ids that end a generation, the end-of-sequence token first
 */
record SequenceTokens(int bos, List<Integer> prefix, List<Integer> suffix, List<Integer> ends) {
  SequenceTokens {
    prefix = List.copyOf(prefix);
    suffix = List.copyOf(suffix);
    ends = List.copyOf(ends);
  }

  /** The begin- and end-of-sequence tokens where they exist and are wanted. */
  static SequenceTokens of(int bos, boolean addsBos, List<Integer> ends, boolean addsEos) {
    List<Integer> prefix = addsBos && bos >= 0 ? List.of(bos) : List.of();
    List<Integer> suffix = addsEos && !ends.isEmpty() ? ends.subList(0, 1) : List.of();
    return new SequenceTokens(bos, prefix, suffix, ends);
  }
}
