package org.coreinfer.chat.jinja;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template can call. */
final class Globals {
  private static final int LONGEST_RANGE = 100_000;

  private Globals() {}

  static void addTo(Scope scope, Clock clock) {
    scope.set("range", (Callable) Globals::range);
    scope.set("dict", (Callable) (arguments, s) -> dict(arguments));
    scope.set("namespace", (Callable) (arguments, s) -> namespace(arguments));
    scope.set("joiner", (Callable) (arguments, s) -> joiner(arguments));
    scope.set("raise_exception", (Callable) Globals::raise);
    scope.set("strftime_now", (Callable) (arguments, s) -> now(arguments, clock));
  }

  private static Object range(Arguments arguments, Scope scope) {
    arguments.only("start", "stop", "step");
    boolean hasStart = arguments.positional().size() > 1;
    long start = hasStart ? arguments.integer(0, "start", 0) : 0;
    long stop = arguments.integer(hasStart ? 1 : 0, "stop", 0);
    long step = arguments.integer(2, "step", 1);
    if (step == 0) {
      throw new JinjaException("range: the step is 0");
    }
    long count = Math.max(0, Math.floorDiv(stop - start + step - Long.signum(step), step));
    if (count > LONGEST_RANGE) {
      throw new JinjaException("range: " + count + " numbers, expected at most " + LONGEST_RANGE);
    }
    scope.budget().make(count);
    List<Object> numbers = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      numbers.add(start + i * step);
    }
    return numbers;
  }

  static Map<Object, Object> dict(Arguments arguments) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    for (Object source : arguments.positional()) {
      if (source instanceof Map<?, ?>) {
        dict.putAll(Values.requireMap(source, "dict's argument"));
      } else {
        for (Object pair : Values.iterate(source)) {
          List<Object> two = Values.iterate(pair);
          if (two.size() != 2) {
            throw new JinjaException("dict: expected pairs");
          }
          dict.put(Values.key(two.get(0)), two.get(1));
        }
      }
    }
    arguments.named().forEach((name, value) -> dict.put(Text.trusted(name), value));
    return dict;
  }

  private static Namespace namespace(Arguments arguments) {
    Namespace namespace = new Namespace();
    dict(arguments)
        .forEach(
            (key, value) ->
                namespace.set(Values.requireText(key, "namespace: a name").string(), value));
    return namespace;
  }

  /** A function that gives nothing at its first call, and then what lies between two items. */
  private static Callable joiner(Arguments arguments) {
    Text separator = arguments.only("sep").text(0, "sep", ", ");
    boolean[] isUsed = new boolean[1];
    return (ignored, scope) -> {
      Text result = isUsed[0] ? separator : Text.EMPTY;
      isUsed[0] = true;
      return result;
    };
  }

  private static Object raise(Arguments arguments, Scope scope) {
    throw new JinjaException(Values.str(arguments.only("message").get(0, "message")).string());
  }

  private static Text now(Arguments arguments, Clock clock) {
    String format = arguments.only("format").text(0, "format").string();
    return Text.trusted(Strftime.format(format, ZonedDateTime.now(clock)));
  }
}
