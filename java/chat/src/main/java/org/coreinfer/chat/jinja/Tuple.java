package org.coreinfer.chat.jinja;

import java.util.AbstractList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's tuple: a list that shows itself in round brackets, and equals no other list. */
final class Tuple extends AbstractList<Object> {
  private final List<Object> items;

  Tuple(List<Object> items) {
    this.items = items;
  }

  static Tuple of(Object... items) {
    return new Tuple(List.of(items));
  }

  @Override
  public Object get(int index) {
    return items.get(index);
  }

  @Override
  public int hashCode() {
    Budget.walk();
    return super.hashCode();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Tuple tuple && Values.equal(this, tuple);
  }

  @Override
  public int size() {
    return items.size();
  }
}
