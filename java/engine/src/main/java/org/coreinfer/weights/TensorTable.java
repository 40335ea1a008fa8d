package org.coreinfer.weights;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** The tensors of a model by name, usable or not. */
final class TensorTable {
  private final String source;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> unsupported = new LinkedHashMap<>();

  /**
   * @param source the model's name, for messages
   */
  TensorTable(String source) {
    this.source = source;
  }

  /**
   * Adds a tensor.
   *
   * @param file the mapping of the whole file that holds it
   */
  void add(TensorEntry entry, NativeMemory file) {
    if (entry.unsupported() != null) {
      unsupported.put(entry.name(), entry.unsupported());
    } else if (entry.dtype() != null) {
      NativeMemory memory = file.slice(entry.begin(), entry.end() - entry.begin());
      tensors.put(
          entry.name(),
          new Tensor(entry.name(), entry.dtype(), entry.rows(), entry.columns(), memory));
    }
  }

  /** Adds a tensor that is there but must not be used. */
  void addUnsupported(String name, String reason) {
    unsupported.put(name, reason);
  }

  Map<String, Tensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  Map<String, String> unsupported() {
    return Collections.unmodifiableMap(unsupported);
  }

  Tensor tensor(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    source + ": tensor " + Printable.of(name) + " is missing"));
  }

  Optional<Tensor> find(String name) {
    @Nullable String reason = unsupported.get(name);
    if (reason != null) {
      throw new ModelFormatException(source + ": tensor " + Printable.of(name) + ": " + reason);
    }
    return Optional.ofNullable(tensors.get(name));
  }

  /** Refuses tensors that share bytes of one file. */
  static void requireDisjoint(String source, List<TensorEntry> entries) {
    List<TensorEntry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
    for (int i = 1; i < sorted.size(); i++) {
      TensorEntry before = sorted.get(i - 1);
      TensorEntry after = sorted.get(i);
      if (after.begin() < before.end()) {
        throw new ModelFormatException(
            source
                + ": tensors "
                + Printable.of(before.name())
                + " and "
                + Printable.of(after.name())
                + " overlap");
      }
    }
  }
}
