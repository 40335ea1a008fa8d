package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** LangChain4j's own tests of models. */
@ExtendWith(Embedded.class)
@Timeout(60)
class ModelConformanceTest extends AbstractChatModelIT {
  private final List<CoreInferChatModel> open = new ArrayList<>();

  @AfterAll
  void close() {
    open.forEach(CoreInferChatModel::close);
  }

  private CoreInferChatModel opened(CoreInferChatModel.Builder builder) {
    CoreInferChatModel model = builder.build();
    open.add(model);
    return model;
  }

  @Override
  protected List<ChatModel> models() {
    return List.of(createModelWith(ChatRequestParameters.builder().build()));
  }

  @Override
  protected ChatModel createModelWith(ChatRequestParameters parameters) {
    return opened(
        Embedded.whole()
            .defaultRequestParameters(Conformance.KNOWLEDGE.overrideWith(parameters)));
  }

  @Override
  protected List<ChatModel> modelsSupportingTools() {
    return List.of(
        opened(
            CoreInferChatModel.builder()
                .model(Embedded.model())
                .chatTemplate(Embedded.toolTemplate())));
  }

  @Override
  protected List<ChatModel> modelsSupportingStructuredOutputs() {
    return List.of(opened(Embedded.whole()));
  }

  @Override
  protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
    return createParameters(maxOutputTokens);
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingTools")
  protected void should_force_LLM_to_execute_any_tool(ChatModel model) {
    Conformance.requireOneOfTwoTools(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingTools")
  protected void should_force_LLM_to_execute_specific_tool(ChatModel model) {
    Conformance.requireTool(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingStructuredOutputs")
  protected void should_respect_JSON_response_format(ChatModel model) {
    Conformance.requireJson(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingStructuredOutputs")
  protected void should_respect_JSON_response_format_with_schema(ChatModel model) {
    Conformance.requireSchema(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingStructuredOutputs")
  protected void should_respect_JsonRawSchema_responseFormat(ChatModel model) {
    Conformance.requireRawSchema(request -> chat(model, request).chatResponse());
  }

  @Override
  protected boolean supportsChatAsync() {
    return true;
  }

  @Override
  protected boolean supportsModelNameParameter() {
    return false; // other than its own
  }

  @Override
  protected boolean supportsTools() {
    return false; // of its own will; and models() have a template that doesn't show them
  }

  @Override
  protected boolean supportsSingleImageInputAsBase64EncodedString() {
    return false;
  }

  @Override
  protected boolean supportsSingleImageInputAsPublicURL() {
    return false;
  }

  @Override
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
    return CoreInferChatResponseMetadata.class;
  }
}
