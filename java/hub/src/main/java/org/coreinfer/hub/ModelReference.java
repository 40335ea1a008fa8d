package org.coreinfer.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of a model on Hugging Face: {@code owner/name}, or {@code owner/name:selector}.
 *
 * @param owner of the repository
 * @param name of the repository
 * @param selector a GGUF file's name or its quantization, such as Q4_K_M; null for the usual choice
 */
public record ModelReference(String owner, String name, @Nullable String selector) {
  private static final String WORD = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
  private static final Pattern FORM =
      Pattern.compile("(" + WORD + ")/(" + WORD + ")(?::([A-Za-z0-9][A-Za-z0-9._/ -]{0,199}))?");

  public ModelReference {
    if (!isSound(owner) || !isSound(name)) {
      throw new IllegalArgumentException(owner + "/" + name + ": expected owner/name");
    }
  }

  private static boolean isSound(String word) {
    return word.matches(WORD) && !word.contains("..");
  }

  /**
   * Reads a name.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static ModelReference parse(String text) {
    return find(text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "'%s': expected owner/name or owner/name:QUANT, such as"
                            .formatted(text.length() > 100 ? text.substring(0, 100) + "…" : text)
                        + " bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M"));
  }

  /** Reads a name; empty for what is none, such as most paths. */
  public static Optional<ModelReference> find(String text) {
    Matcher matcher = FORM.matcher(text);
    boolean isName = matcher.matches() && isSound(matcher.group(1)) && isSound(matcher.group(2));
    return isName
        ? Optional.of(new ModelReference(matcher.group(1), matcher.group(2), matcher.group(3)))
        : Optional.empty();
  }

  /** {@code owner/name}. */
  public String repository() {
    return owner + "/" + name;
  }

  @Override
  public String toString() {
    return selector == null ? repository() : repository() + ":" + selector;
  }
}
