package org.coreinfer.weights;

import org.coreinfer.error.ModelFormatException;

/**
 * A limit on the heap that one file's header may take, so that a broken file is an exception and
 * not an exhausted heap. The largest vocabularies of real models take a quarter of it.
 */
final class HeapBudget {
  private static final long LIMIT = 256L << 20;
  private static final int STRING = 56; // String, its byte[] and a reference to it
  private static final int ENTRY = 320; // a tensor or a key with all that is kept for it

  private final String source;
  private long left = LIMIT;

  HeapBudget(String source) {
    this.source = source;
  }

  void chargeString(long length) {
    charge(STRING + length);
  }

  void chargeEntry() {
    charge(ENTRY);
  }

  void chargeNumbers(long count) {
    charge(Math.multiplyExact(count, Long.BYTES));
  }

  private void charge(long bytes) {
    if (bytes > left) {
      throw new ModelFormatException(
          source
              + ": the header would take more than "
              + (LIMIT >> 20)
              + " MiB of heap; the file is broken");
    }
    left -= bytes;
  }
}
