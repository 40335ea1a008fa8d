package org.coreinfer.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Metadata;
import org.coreinfer.weights.WeightFile;

/**
 * What a model file says of conversations, as it is written there; the files that it may lack count
 * as empty.
 *
 * @param templates Jinja templates by name; the usual one is {@value #DEFAULT}
 * @param specialTokens texts of special tokens by the names that templates know them by, such as
 *     {@code bos_token}
 */
public record ChatTemplateTexts(Map<String, String> templates, Map<String, String> specialTokens) {
  /** The name of the template that is used where no other is asked for. */
  public static final String DEFAULT = "default";

  /** GGUF's key for the usual template; those with names follow it after a dot. */
  public static final String GGUF_TEMPLATE = "tokenizer.chat_template";

  private static final String GGUF_TOKENS = "tokenizer.ggml.tokens";
  private static final int MAX_BYTES = 4 << 20;
  private static final List<String> TEXT_ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /** GGUF's names of the same ids. */
  private static final Map<String, String> GGUF_ROLES =
      Map.of(
          "tokenizer.ggml.bos_token_id", "bos_token",
          "tokenizer.ggml.eos_token_id", "eos_token",
          "tokenizer.ggml.unknown_token_id", "unk_token",
          "tokenizer.ggml.seperator_token_id", "sep_token",
          "tokenizer.ggml.padding_token_id", "pad_token");

  public ChatTemplateTexts {
    templates = Map.copyOf(templates);
    specialTokens = Map.copyOf(specialTokens);
  }

  /**
   * Reads what belongs to a model file.
   *
   * @throws ModelFormatException if it is there but broken
   */
  public static ChatTemplateTexts of(WeightFile file) {
    return file instanceof GgufFile gguf
        ? ofGguf(gguf.metadata())
        : ofFolder(((HuggingFaceFolder) file).path());
  }

  private static ChatTemplateTexts ofGguf(Metadata metadata) {
    Map<String, String> templates = new LinkedHashMap<>();
    for (String key : metadata.values().keySet()) {
      if (key.equals(GGUF_TEMPLATE)) {
        templates.put(DEFAULT, metadata.string(key));
      } else if (key.startsWith(GGUF_TEMPLATE + ".")) {
        templates.put(key.substring(GGUF_TEMPLATE.length() + 1), metadata.string(key));
      }
    }
    Map<String, String> specialTokens = new LinkedHashMap<>();
    IntFunction<String> pieces = pieces(metadata);
    GGUF_ROLES.forEach(
        (key, role) -> {
          int id = metadata.integer(key, -1);
          String piece = id < 0 ? "" : pieces.apply(id);
          if (!piece.isEmpty()) {
            specialTokens.put(role, piece);
          }
        });
    return new ChatTemplateTexts(templates, specialTokens);
  }

  /** The entries of the vocabulary; empty for an id that it lacks. */
  private static IntFunction<String> pieces(Metadata metadata) {
    if (metadata.has(GGUF_TOKENS)) {
      List<String> pieces = metadata.strings(GGUF_TOKENS);
      return id -> id < pieces.size() ? pieces.get(id) : "";
    }
    if (metadata.has(Tokenizers.HUGGING_FACE_KEY)) {
      return Tokenizers.fromGguf(metadata)::piece;
    }
    return id -> "";
  }

  private static ChatTemplateTexts ofFolder(Path folder) {
    SpecialRoles roles = SpecialRoles.of(folder);
    Map<String, String> templates = new LinkedHashMap<>(roles.chatTemplates());
    Path single = folder.resolve("chat_template.jinja");
    if (Files.exists(single)) {
      templates.put(DEFAULT, read(single));
    }
    Map<String, String> specialTokens = new LinkedHashMap<>();
    for (String role : TEXT_ROLES) {
      String text = roles.text(role);
      if (text != null) {
        specialTokens.put(role, text);
      }
    }
    return new ChatTemplateTexts(templates, specialTokens);
  }

  private static String read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new ModelFormatException(file + ": is larger than " + MAX_BYTES + " bytes");
      }
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new ModelFormatException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
