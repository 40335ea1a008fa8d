package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatTemplate;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/** The embedded model, loaded once for all tests, and what it lacks for conversations. */
final class Embedded implements BeforeAllCallback {
  static final int CONTEXT = 512;

  private static final Namespace NAMESPACE = Namespace.create(Embedded.class);
  private static final String WITH_TOOLS =
      "{% if tools %}{{ tools | tojson }}\n{% endif %}"
          + "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
          + "{% if add_generation_prompt %}assistant:{% endif %}";

  private static Model model = null;

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
    return model;
  }

  /** A chat template that shows tools. */
  static ChatTemplate toolTemplate() {
    return ChatTemplate.parse(WITH_TOOLS, model.chatTemplateTexts().specialTokens());
  }

  /**
   * Parameters under which the model says this as a JSON string, and then stops: it is far too
   * small to know it.
   */
  static ChatRequestParameters saying(String text) {
    return ChatRequestParameters.builder()
        .responseFormat(json("{\"const\": \"" + text + "\"}"))
        .build();
  }

  /** Parameters under which an answer ends with the context only. */
  static ChatRequestParameters endless() {
    return ChatRequestParameters.builder()
        .responseFormat(json("{\"type\": \"array\", \"items\": {\"const\": 1}, \"minItems\": 9999}"))
        .build();
  }

  static ResponseFormat json(String schema) {
    return ResponseFormat.builder()
        .type(ResponseFormatType.JSON)
        .jsonSchema(
            JsonSchema.builder().name("answer").rootElement(JsonRawSchema.from(schema)).build())
        .build();
  }

  static CoreInferChatModel.Builder whole() {
    return CoreInferChatModel.builder().model(model).chatTemplate("chatml");
  }

  static CoreInferStreamingChatModel.Builder streaming() {
    return CoreInferStreamingChatModel.builder().model(model).chatTemplate("chatml");
  }
}
