package org.coreinfer.server;

import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.coreinfer.Model;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreWish;
import org.jspecify.annotations.Nullable;

/**
 * The model that a server answers with. Immutable.
 *
 * @param names of the model; the first is told, the others are understood
 * @param core which neurons to compute, unless a request says otherwise
 * @param calibration what is known of the model's neurons; null if nothing is
 */
record ServedModel(
    Model model,
    List<String> names,
    CoreWish core,
    @Nullable Calibration calibration,
    long createdSeconds) {

  static ServedModel of(
      Model model, List<String> aliases, CoreWish core, @Nullable Calibration calibration) {
    Set<String> names = new LinkedHashSet<>(aliases);
    names.add(model.name().replaceFirst("\\.gguf$", ""));
    names.add(model.name());
    return new ServedModel(
        model, List.copyOf(names), core, calibration, Instant.now().getEpochSecond());
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
                .put("is_calibrated", calibration != null));
  }
}
