package org.coreinfer.text;

import java.util.Arrays;

/** A map from code points to symbols: pages of 256, made when needed. */
final class CodePointMap {
  private static final int PAGE = 256;
  private static final int[] NO_PAGE = {};

  private final int[][] pages = new int[(Character.MAX_CODE_POINT + 1) / PAGE][];

  CodePointMap() {
    Arrays.fill(pages, NO_PAGE);
  }

  void put(int codePoint, int symbol) {
    int[] page = pages[codePoint / PAGE];
    if (page == NO_PAGE) {
      page = new int[PAGE];
      Arrays.fill(page, -1);
      pages[codePoint / PAGE] = page;
    }
    page[codePoint % PAGE] = symbol;
  }

  /** The symbol, or -1. */
  int get(int codePoint) {
    int[] page = pages[codePoint / PAGE];
    return page == NO_PAGE ? -1 : page[codePoint % PAGE];
  }
}
