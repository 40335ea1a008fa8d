package org.coreinfer.langchain4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * What LangChain4j's own tests want to hear of a model. The embedded one is too small to know it,
 * so that a response format puts it into its mouth; where the tests look at forms that are asked
 * for, what stands here looks at the form alone.
 */
final class Conformance {
  static final ChatRequestParameters KNOWLEDGE =
      Embedded.saying("Berlin, liebe, green, Hello World");

  private static final List<String> CITIES = List.of("Munich", "Berlin");
  static final ToolSpecification WEATHER =
      ToolSpecification.builder()
          .name("getWeather")
          .description("Tells the weather.")
          .parameters(
              JsonObjectSchema.builder()
                  .addEnumProperty("city", CITIES)
                  .required("city")
                  .build())
          .build();
  private static final ToolSpecification RAIN =
      ToolSpecification.builder().name("letItRain").description("Makes rain.").build();

  private Conformance() {}

  private static ChatResponse ask(
      Function<ChatRequest, ChatResponse> model, ChatRequestParameters parameters) {
    return model.apply(
        ChatRequest.builder()
            .messages(UserMessage.from("I live in Munich"))
            .parameters(parameters)
            .build());
  }

  private static ToolExecutionRequest call(
      Function<ChatRequest, ChatResponse> model, ToolSpecification... tools) {
    ChatResponse response =
        ask(
            model,
            ChatRequestParameters.builder()
                .toolSpecifications(tools)
                .toolChoice(ToolChoice.REQUIRED)
                .build());
    assertEquals(FinishReason.TOOL_EXECUTION, response.finishReason());
    assertNull(response.aiMessage().text());
    assertEquals(1, response.aiMessage().toolExecutionRequests().size());
    ToolExecutionRequest call = response.aiMessage().toolExecutionRequests().get(0);
    assertTrue(!call.id().isBlank());
    return call;
  }

  private static JsonObject object(String json) {
    return JsonParser.parseString(json).getAsJsonObject();
  }

  static void requireTool(Function<ChatRequest, ChatResponse> model) {
    ToolExecutionRequest call = call(model, WEATHER);
    assertEquals("getWeather", call.name());
    assertEquals(Set.of("city"), object(call.arguments()).keySet());
    assertTrue(CITIES.contains(object(call.arguments()).get("city").getAsString()));
  }

  static void requireOneOfTwoTools(Function<ChatRequest, ChatResponse> model) {
    ToolExecutionRequest call = call(model, RAIN, WEATHER);
    boolean isRain = call.name().equals("letItRain");
    assertEquals(isRain ? Set.of() : Set.of("city"), object(call.arguments()).keySet());
    assertTrue(isRain || call.name().equals("getWeather"));
  }

  /** Whatever the object is, it is one, or the beginning of one. */
  static void requireJson(Function<ChatRequest, ChatResponse> model) {
    ChatResponse response =
        ask(
            model,
            ChatRequestParameters.builder()
                .responseFormat(ResponseFormat.JSON)
                .maxOutputTokens(40)
                .build());
    String text = response.aiMessage().text().strip();
    assertTrue(text.startsWith("{"), text);
    if (response.finishReason() == FinishReason.STOP) {
      assertTrue(object(text).isJsonObject());
    }
  }

  static void requireSchema(Function<ChatRequest, ChatResponse> model) {
    requireCity(
        ask(
            model,
            ChatRequestParameters.builder()
                .responseFormat(
                    dev.langchain4j.model.chat.request.json.JsonSchema.builder()
                        .name("Answer")
                        .rootElement(WEATHER.parameters())
                        .build())
                .build()));
  }

  static void requireRawSchema(Function<ChatRequest, ChatResponse> model) {
    requireCity(
        ask(
            model,
            ChatRequestParameters.builder()
                .responseFormat(
                    Embedded.json(
                        """
                        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
                         "properties": {"city": {"enum": ["Munich", "Berlin"]}},
                         "required": ["city"], "additionalProperties": false}
                        """))
                .build()));
  }

  private static void requireCity(ChatResponse response) {
    assertEquals(FinishReason.STOP, response.finishReason());
    JsonObject answer = object(response.aiMessage().text());
    assertEquals(Set.of("city"), answer.keySet());
    assertTrue(CITIES.contains(answer.get("city").getAsString()));
  }
}
