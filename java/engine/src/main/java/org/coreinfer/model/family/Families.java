package org.coreinfer.model.family;

import java.util.List;
import java.util.TreeSet;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.model.Family;
import org.coreinfer.weights.WeightFile;

/** Every family that can be loaded. */
public final class Families {
  private static final List<Family> ALL =
      List.of(
          new LlamaFamily(),
          new MistralFamily(),
          new BambooFamily(),
          new QwenFamily(),
          new OptFamily());

  private Families() {}

  /** The family of a model file. */
  public static Family of(WeightFile file) {
    TreeSet<String> known = new TreeSet<>();
    for (Family family : ALL) {
      if (family.architectures().contains(file.architecture())) {
        return family;
      }
      known.addAll(family.architectures());
    }
    throw new ModelFormatException(
        "%s: the architecture \"%s\" is not supported; supported are %s"
            .formatted(file.name(), file.architecture(), String.join(", ", known)));
  }
}
