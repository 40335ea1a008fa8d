package org.coreinfer.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import java.util.List;
import java.util.Map;
import org.coreinfer.chat.ChatTemplate;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** LangChain4j's own tests of listeners. */
@ExtendWith(Embedded.class)
@Timeout(60)
class ListenerConformanceTest extends AbstractChatModelListenerIT {
  private static CoreInferChatModel.Builder builder(ChatTemplate template) {
    return CoreInferChatModel.builder().model(Embedded.model()).chatTemplate(template);
  }

  @Override
  protected ChatModel createModel(ChatModelListener listener) {
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
  protected ChatModel createFailingModel(ChatModelListener listener) {
    return builder(ChatTemplate.parse("{{ raise_exception('not this') }}", Map.of()))
        .listeners(List.of(listener))
        .build();
  }

  @Override
  protected Class<? extends Exception> expectedExceptionClass() {
    return InvalidRequestException.class;
  }
}
