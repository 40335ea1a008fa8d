package org.coreinfer.server;

import java.util.Objects;
import java.util.function.UnaryOperator;
import org.coreinfer.Calibrations;
import org.coreinfer.Model;
import org.coreinfer.chat.BuiltInTemplates;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** The embedded model, loaded once for all tests, and servers of it. */
final class Served implements BeforeAllCallback {
  static final int CONTEXT = 256;

  private static final Namespace NAMESPACE = Namespace.create(Served.class);

  private static @Nullable Model model;

  /** Closes the model after the last test. */
  private record Resource(Model held) implements AutoCloseable {
    @Override
    public void close() {
      held.close();
    }
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    Resource resource =
        context
            .getRoot()
            .getStore(NAMESPACE)
            .getOrComputeIfAbsent(
                Model.class,
                key -> new Resource(Model.embedded().contextLength(CONTEXT).load()),
                Resource.class);
    model = resource.held();
  }

  static Model model() {
    return Objects.requireNonNull(model, "no model was loaded");
  }

  /** A server on a free port, with a chat template that the embedded model lacks. */
  static Server start(UnaryOperator<Server.Builder> settings) {
    Model model = model();
    Server.Builder builder =
        Server.builder(model)
            .calibration(Calibrations.of(null))
            .chatTemplate(
                BuiltInTemplates.get("chatml", model.chatTemplateTexts().specialTokens()));
    return settings.apply(builder).start();
  }

  static Server start() {
    return start(builder -> builder);
  }

  /** As {@link #start}, with other limits. */
  static Server limited(UnaryOperator<Limits> limits) {
    return start(builder -> builder.limits(limits.apply(Limits.usual())));
  }
}
