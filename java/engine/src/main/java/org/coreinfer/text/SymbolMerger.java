package org.coreinfer.text;

import java.util.Arrays;

/**
 * Applies merges to a row of symbols until none is left: always the lowest rank, of equal ranks the
 * leftmost. Short rows are searched again for each merge, long ones go through a heap, so that any
 * input takes time n log n. Reused from word to word; not safe for use by several threads.
 */
final class SymbolMerger {
  private static final int LONGEST_SEARCHED = 40;
  private static final int DEAD = -1;

  private final MergeTable table;
  private int[] symbols = new int[64];
  private int count;

  private final long[] merges = new long[LONGEST_SEARCHED];
  private int[] previous = {};
  private int[] next = {};
  private long[] heap = {};
  private int heapSize;

  SymbolMerger(MergeTable table) {
    this.table = table;
  }

  void clear() {
    count = 0;
  }

  void add(int symbol) {
    if (count == symbols.length) {
      symbols = Arrays.copyOf(symbols, 2 * count);
    }
    symbols[count++] = symbol;
  }

  int count() {
    return count;
  }

  int symbol(int index) {
    return symbols[index];
  }

  void merge() {
    if (count < 2) {
      return;
    }
    if (count <= LONGEST_SEARCHED) {
      mergeBySearch();
    } else {
      mergeByHeap();
    }
  }

  private void mergeBySearch() {
    for (int i = 0; i < count - 1; i++) {
      merges[i] = table.find(symbols[i], symbols[i + 1]);
    }
    while (true) {
      int best = 0;
      int bestRank = Integer.MAX_VALUE;
      for (int i = 0; i < count - 1; i++) {
        int rank = MergeTable.rank(merges[i]);
        if (rank < bestRank) {
          bestRank = rank;
          best = i;
        }
      }
      if (bestRank == Integer.MAX_VALUE) {
        return;
      }
      symbols[best] = MergeTable.result(merges[best]);
      count--;
      System.arraycopy(symbols, best + 2, symbols, best + 1, count - best - 1);
      if (best < count - 1) {
        System.arraycopy(merges, best + 1, merges, best, count - best - 1);
        merges[best] = table.find(symbols[best], symbols[best + 1]);
      }
      if (best > 0) {
        merges[best - 1] = table.find(symbols[best - 1], symbols[best]);
      }
    }
  }

  /**
   * Symbols are a doubly linked list in place; heap entries are rank and left position, and stale
   * ones are skipped.
   */
  private void mergeByHeap() {
    if (previous.length < count) {
      previous = new int[symbols.length];
      next = new int[symbols.length];
    }
    heapSize = 0;
    for (int i = 0; i < count; i++) {
      previous[i] = i - 1;
      next[i] = i + 1;
      if (i > 0) {
        offer(i - 1, i);
      }
    }
    while (heapSize > 0) {
      long entry = poll();
      int left = (int) entry;
      if (symbols[left] == DEAD || next[left] == count) {
        continue;
      }
      int right = next[left];
      long merge = table.find(symbols[left], symbols[right]);
      if (merge == MergeTable.NONE || MergeTable.rank(merge) != (int) (entry >>> 32)) {
        continue;
      }
      symbols[left] = MergeTable.result(merge);
      symbols[right] = DEAD;
      int after = next[right];
      next[left] = after;
      if (after < count) {
        previous[after] = left;
        offer(left, after);
      }
      if (previous[left] >= 0) {
        offer(previous[left], left);
      }
    }
    int kept = 0;
    for (int i = 0; i < count; i = next[i]) {
      symbols[kept++] = symbols[i];
    }
    count = kept;
  }

  private void offer(int left, int right) {
    long merge = table.find(symbols[left], symbols[right]);
    if (merge == MergeTable.NONE) {
      return;
    }
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, Math.max(256, 2 * heapSize));
    }
    long entry = ((long) MergeTable.rank(merge) << 32) | left;
    int i = heapSize++;
    while (i > 0 && heap[(i - 1) >>> 1] > entry) {
      heap[i] = heap[(i - 1) >>> 1];
      i = (i - 1) >>> 1;
    }
    heap[i] = entry;
  }

  private long poll() {
    long top = heap[0];
    long last = heap[--heapSize];
    int i = 0;
    while (2 * i + 1 < heapSize) {
      int child = 2 * i + 1;
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
