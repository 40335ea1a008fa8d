package org.coreinfer.server;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.chat.ChatTemplateException;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreWish;
import org.jspecify.annotations.Nullable;

/**
 * The model that a server answers with. Immutable.
 *
 * @param names of the model; the first is told, the others are understood
 * @param core which neurons to compute, unless a request says otherwise
 * @param calibration what is known of the model's neurons; null if nothing is
 * @param template how conversations are written; null if nothing says how
 * @param templateLack why there is none
 */
record ServedModel(
    Model model,
    List<String> names,
    CoreWish core,
    @Nullable Calibration calibration,
    @Nullable ChatTemplate template,
    String templateLack,
    long createdSeconds) {

  /**
   * @param template null for the model's own, if it has one
   */
  static ServedModel of(
      Model model,
      List<String> aliases,
      CoreWish core,
      @Nullable Calibration calibration,
      @Nullable ChatTemplate template) {
    Set<String> names = new LinkedHashSet<>(aliases);
    names.add(model.name().replaceFirst("\\.gguf$", ""));
    names.add(model.name());
    ChatTemplate found = template;
    String lack = "";
    if (found == null) {
      try {
        found = ChatTemplate.of(model);
      } catch (ChatTemplateException e) {
        lack = String.valueOf(e.getMessage());
      }
    }
    return new ServedModel(
        model, List.copyOf(names), core, calibration, found, lack, Instant.now().getEpochSecond());
  }

  String id() {
    return names.get(0);
  }

  /**
   * Refuses requests for another model; one that names none means this.
   *
   * @throws ApiException if it does
   */
  void requireNamed(Fields fields) {
    String name = fields.string("model");
    if (name != null && !names.contains(name)) {
      throw unknown(name);
    }
  }

  /**
   * How conversations are written.
   *
   * @throws ApiException if nothing says how
   */
  ChatTemplate requireTemplate() {
    if (template == null) {
      throw ApiException.unsupported(
          "messages",
          templateLack + "; start the server with --chat-template, or use /v1/completions");
    }
    return template;
  }

  private ApiException unknown(String name) {
    return ApiException.notFound(
        "model",
        "model_not_found",
        "there is no model %s: this server has %s"
            .formatted(PlainText.of(name), String.join(", ", names)));
  }

  /** Answers {@code GET /models}. */
  void list(Call call) {
    call.send(new JsonOut().put("object", "list").putObjects("data", List.of(card())));
  }

  /** Answers {@code GET /models/ID}. */
  void describe(Call call) {
    String path = call.rawPath();
    String name = UrlText.decode(path.substring(path.indexOf("/models/") + "/models/".length()));
    if (!names.contains(name)) {
      throw unknown(name);
    }
    call.send(card());
  }

  private JsonOut card() {
    return new JsonOut()
        .put("id", id())
        .put("object", "model")
        .put("created", createdSeconds)
        .put("owned_by", "coreinfer")
        .put("max_model_len", model.contextLength())
        .put(
            "meta",
            new JsonOut()
                .put("architecture", model.config().architecture())
                .put("layers", model.config().layers())
                .put("neurons", model.config().neurons())
                .put("dim", model.config().dim())
                .put("vocabulary", model.config().vocabulary())
                .put("context_length", model.config().contextLength())
                .put("backend", model.backend())
                .put("bytes_per_token", model.decoder().bytesPerToken(model.decoder().allNeurons()))
                .put("has_chat_template", template != null)
                .put("is_calibrated", calibration != null));
  }
}
