package org.coreinfer.model;

import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;

/** The logits after each of a few tokens, one after another in memory: (tokens, vocabulary). */
final class LogitsRows implements AutoCloseable {
  private final NativeMemory memory;
  private final List<Logits> rows;

  LogitsRows(Backend queue, int tokens, int vocabulary) {
    this.memory = queue.allocateFloats("logits", (long) tokens * vocabulary);
    long bytes = (long) vocabulary * Float.BYTES;
    this.rows =
        IntStream.range(0, tokens)
            .mapToObj(i -> Logits.at(queue, memory.slice(i * bytes, bytes)))
            .toList();
  }

  int tokens() {
    return rows.size();
  }

  NativeMemory memory() {
    return memory;
  }

  /** The first {@code count} rows, about to be computed. */
  List<Logits> renew(int count) {
    List<Logits> some = rows.subList(0, count);
    some.forEach(Logits::renew);
    return some;
  }

  @Override
  public void close() {
    rows.forEach(Logits::close);
    memory.close();
  }
}
