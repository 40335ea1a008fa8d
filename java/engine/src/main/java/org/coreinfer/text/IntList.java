package org.coreinfer.text;

import java.util.Arrays;
import java.util.List;

/** A growing list of ints. */
final class IntList {
  private int[] elements = new int[64];
  private int size;

  void add(int element) {
    if (size == elements.length) {
      elements = Arrays.copyOf(elements, 2 * size);
    }
    elements[size++] = element;
  }

  void addAll(List<Integer> more) {
    more.forEach(this::add);
  }

  void addAll(int[] more) {
    for (int element : more) {
      add(element);
    }
  }

  int size() {
    return size;
  }

  int[] toArray() {
    return Arrays.copyOf(elements, size);
  }

  /** The elements from {@code start} on. */
  int[] tail(int start) {
    return Arrays.copyOfRange(elements, start, size);
  }
}
