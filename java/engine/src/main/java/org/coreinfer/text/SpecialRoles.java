package org.coreinfer.text;

import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.weights.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * What the files beside a tokenizer say about special tokens: tokenizer_config.json and
 * special_tokens_map.json name them by text, generation_config.json and config.json by id. Any file
 * may be missing.
 */
final class SpecialRoles {
  private static final List<String> BY_TEXT =
      List.of("tokenizer_config.json", "special_tokens_map.json");
  private static final List<String> BY_ID = List.of("generation_config.json", "config.json");
  private static final List<String> TEXT_ROLES =
      List.of("bos_token", "eos_token", "unk_token", "pad_token");

  /** GGUF's names for the same. */
  private static final String GGUF = "tokenizer.ggml.";

  private final @Nullable JsonNode config;
  private final List<JsonNode> byText = new ArrayList<>();
  private final List<JsonNode> byId = new ArrayList<>();

  private SpecialRoles(@Nullable Path folder) {
    if (folder != null) {
      readAll(folder, BY_TEXT, byText);
      readAll(folder, BY_ID, byId);
    }
    boolean hasConfig = folder != null && Files.exists(folder.resolve(BY_TEXT.get(0)));
    config = hasConfig ? byText.get(0) : null;
  }

  private SpecialRoles(JsonNode all) {
    config = all;
    byId.add(all);
  }

  /** The roles that a GGUF file gives to the ids of its tokenizer. */
  static SpecialRoles of(Metadata metadata) {
    JsonObject roles = new JsonObject();
    for (String role : List.of("bos_token_id", "eos_token_id")) {
      if (metadata.has(GGUF + role)) {
        roles.addProperty(role, metadata.integer(GGUF + role));
      }
    }
    for (String flag : List.of("add_bos_token", "add_eos_token")) {
      roles.addProperty(flag, metadata.flag(GGUF + flag, false));
    }
    return new SpecialRoles(JsonNode.parse(metadata.source(), roles.toString()));
  }

  static SpecialRoles none() {
    return new SpecialRoles((Path) null);
  }

  static SpecialRoles of(Path folder) {
    return new SpecialRoles(folder);
  }

  private static void readAll(Path folder, List<String> names, List<JsonNode> nodes) {
    for (String name : names) {
      Path file = folder.resolve(name);
      if (Files.exists(file)) {
        nodes.add(JsonNode.parse(file));
      }
    }
  }

  /** A yes or no of tokenizer_config.json. */
  boolean flag(String key, boolean fallback) {
    return config == null ? fallback : config.flag(key, fallback);
  }

  /** The text of a special token such as {@code bos_token}, or null. */
  @Nullable String text(String role) {
    for (JsonNode file : byText) {
      JsonNode value = file.find(role);
      if (value != null) {
        return value.isObject() ? value.get("content").string() : value.string();
      }
    }
    return null;
  }

  /**
   * The Jinja templates of tokenizer_config.json by name: its {@code chat_template} is one text,
   * which is named {@link ChatTemplateTexts#DEFAULT} here, or a list of named ones.
   */
  Map<String, String> chatTemplates() {
    JsonNode templates = config == null ? null : config.find("chat_template");
    if (templates == null) {
      return Map.of();
    }
    if (!templates.isList()) {
      return Map.of(ChatTemplateTexts.DEFAULT, templates.string());
    }
    Map<String, String> named = new LinkedHashMap<>();
    for (JsonNode template : templates.list()) {
      named.put(template.get("name").string(), template.get("template").string());
    }
    return named;
  }

  /** The texts of all special tokens that have a role. */
  Set<String> texts() {
    Set<String> texts = new LinkedHashSet<>();
    for (String role : TEXT_ROLES) {
      String text = text(role);
      if (text != null && !text.isEmpty()) {
        texts.add(text);
      }
    }
    return texts;
  }

  /** The id of {@code bos_token} or {@code eos_token}, or {@code fallback}. */
  int id(String role, Vocabulary vocabulary, int fallback) {
    String text = text(role);
    int id = text == null ? -1 : vocabulary.id(text);
    if (id < 0) {
      List<Integer> ids = ids(role + "_id");
      id = ids.isEmpty() || vocabulary.piece(ids.get(0)) == null ? -1 : ids.get(0);
    }
    return id < 0 ? fallback : id;
  }

  /**
   * Every id that ends a generation: the end-of-sequence token, then what generation_config.json
   * adds.
   */
  List<Integer> endTokens(Vocabulary vocabulary, int fallback) {
    Set<Integer> ends = new LinkedHashSet<>();
    int eos = id("eos_token", vocabulary, fallback);
    if (eos >= 0) {
      ends.add(eos);
    }
    ends.addAll(ids("eos_token_id"));
    return List.copyOf(ends);
  }

  /** The first file's ids: one number, or a list. */
  private List<Integer> ids(String key) {
    for (JsonNode file : byId) {
      JsonNode value = file.find(key);
      if (value != null) {
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : value.isList() ? value.list() : List.of(value)) {
          ids.add(id.tokenId());
        }
        return ids;
      }
    }
    return List.of();
  }
}
