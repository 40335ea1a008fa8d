package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.common.StreamingMode;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** LangChain4j's own tests of streaming models, by handlers and by publishers. */
@ExtendWith(Embedded.class)
@Timeout(60)
class StreamingConformanceTest extends AbstractStreamingChatModelIT {
  private final List<CoreInferStreamingChatModel> open = new ArrayList<>();

  @AfterAll
  void close() {
    open.forEach(CoreInferStreamingChatModel::close);
  }

  private CoreInferStreamingChatModel opened(CoreInferStreamingChatModel.Builder builder) {
    CoreInferStreamingChatModel model = builder.build();
    open.add(model);
    return model;
  }

  @Override
  protected List<StreamingChatModel> baseModels() {
    return List.of(createModelWith(ChatRequestParameters.builder().build()));
  }

  @Override
  protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
    return opened(
        Embedded.streaming()
            .defaultRequestParameters(Conformance.KNOWLEDGE.overrideWith(parameters)));
  }

  @Override
  public StreamingChatModel createModelWith(ChatModelListener listener) {
    return opened(
        Embedded.streaming()
            .defaultRequestParameters(Conformance.KNOWLEDGE)
            .listeners(List.of(listener)));
  }

  @Override
  protected List<StreamingChatModel> baseModelsSupportingTools() {
    return List.of(
        opened(
            CoreInferStreamingChatModel.builder()
                .model(Embedded.model())
                .chatTemplate(Embedded.toolTemplate())));
  }

  @Override
  protected List<StreamingChatModel> baseModelsSupportingStructuredOutputs() {
    return List.of(opened(Embedded.streaming()));
  }

  @Override
  protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
    return createParameters(maxOutputTokens);
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingTools")
  protected void should_force_LLM_to_execute_any_tool(StreamingChatModel model) {
    Conformance.requireOneOfTwoTools(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingTools")
  protected void should_force_LLM_to_execute_specific_tool(StreamingChatModel model) {
    Conformance.requireTool(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingStructuredOutputs")
  protected void should_respect_JSON_response_format(StreamingChatModel model) {
    Conformance.requireJson(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingStructuredOutputs")
  protected void should_respect_JSON_response_format_with_schema(StreamingChatModel model) {
    Conformance.requireSchema(request -> chat(model, request).chatResponse());
  }

  @Override
  @ParameterizedTest
  @MethodSource("modelsSupportingStructuredOutputs")
  protected void should_respect_JsonRawSchema_responseFormat(StreamingChatModel model) {
    Conformance.requireRawSchema(request -> chat(model, request).chatResponse());
  }

  @Override
  protected List<StreamingMode> streamingModes() {
    return List.of(StreamingMode.HANDLER, StreamingMode.PUBLISHER);
  }

  @Override
  protected boolean assertThreads() {
    return true; // publishers keep to one, too
  }

  @Override
  protected boolean supportsStreamingCancellation() {
    return false; // that test waits half a minute for nothing to happen; see StreamingTest
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
  protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
    return CoreInferChatResponseMetadata.class;
  }
}
