package org.coreinfer.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import java.util.List;
import java.util.Map;
import org.coreinfer.chat.ChatTemplate;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** LangChain4j's own tests of the listeners of streaming models. */
@ExtendWith(Embedded.class)
@Timeout(60)
class StreamingListenerConformanceTest extends AbstractStreamingChatModelListenerIT {
  private static CoreInferStreamingChatModel.Builder builder(ChatTemplate template) {
    return CoreInferStreamingChatModel.builder().model(Embedded.model()).chatTemplate(template);
  }

  @Override
  protected StreamingChatModel createModel(ChatModelListener listener) {
    return builder(Embedded.toolTemplate())
        .temperature(temperature())
        .topP(topP())
        .maxOutputTokens(maxTokens())
        .listeners(List.of(listener))
        .build();
  }

  @Override
  protected String modelName() {
    return Embedded.model().name();
  }

  @Override
  protected StreamingChatModel createFailingModel(ChatModelListener listener) {
    return builder(ChatTemplate.parse("{{ raise_exception('not this') }}", Map.of()))
        .listeners(List.of(listener))
        .build();
  }

  @Override
  protected Class<? extends Exception> expectedExceptionClass() {
    return InvalidRequestException.class;
  }
}
