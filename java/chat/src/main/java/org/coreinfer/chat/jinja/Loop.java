package org.coreinfer.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code loop} stands for within a loop. */
final class Loop implements Callable {
  private final List<Object> items;
  private final int depth;
  private final @Nullable Callable recursion;
  private int index;
  private List<Object> watched = List.of();
  private boolean hasWatched;

  /**
   * @param depth of loops around this one, in a recursive one
   * @param recursion what calling {@code loop} does; null where the loop is not recursive
   */
  Loop(List<Object> items, int depth, @Nullable Callable recursion) {
    this.items = items;
    this.depth = depth;
    this.recursion = recursion;
  }

  void moveTo(int position) {
    index = position;
  }

  @Nullable Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> items.size() - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < items.size() ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> null;
    };
  }

  private Object cycle(Arguments arguments, Scope scope) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new JinjaException("loop.cycle: there are no values");
    }
    return values.get(index % values.size());
  }

  private Object changed(Arguments arguments, Scope scope) {
    List<Object> values = new ArrayList<>(arguments.positional());
    boolean isChanged = !hasWatched || !Values.equal(values, watched);
    watched = values;
    hasWatched = true;
    return isChanged;
  }

  @Override
  public Object call(Arguments arguments, Scope scope) {
    if (recursion == null) {
      throw new JinjaException("loop(…) needs a loop that is marked as recursive");
    }
    return recursion.call(arguments, scope);
  }
}
