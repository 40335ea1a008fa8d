package org.coreinfer.langchain4j;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import java.util.List;
import java.util.function.Supplier;
import org.coreinfer.chat.ToolDefinition;
import org.coreinfer.grammar.JsonGrammars;
import org.coreinfer.sampling.TokenConstraint;
import org.jspecify.annotations.Nullable;

/**
 * What an answer may be besides text: calls of tools, or JSON of a form.
 *
 * @param definitions what the model may call; empty for nothing
 * @param constraint on the answer's tokens; null for none
 */
record Tools(List<ToolDefinition> definitions, @Nullable Supplier<TokenConstraint> constraint) {

  /**
   * The tools, whether one of them must be called, and the form of the answer.
   *
   * @param grammars gives those of the model
   * @throws UnsupportedFeatureException if both are asked for
   * @throws InvalidRequestException if a schema can't be followed
   */
  static Tools of(ChatRequestParameters parameters, Supplier<JsonGrammars> grammars) {
    ToolChoice choice = parameters.toolChoice();
    List<ToolSpecification> specifications =
        choice == ToolChoice.NONE ? List.of() : parameters.toolSpecifications();
    boolean isForced = choice == ToolChoice.REQUIRED;
    if (isForced && specifications.isEmpty()) {
      throw new InvalidRequestException("ToolChoice.REQUIRED: there are no tools to call");
    }
    ResponseFormat format = parameters.responseFormat();
    boolean isJson = format != null && format.type() == ResponseFormatType.JSON;
    if (isJson && !specifications.isEmpty()) {
      throw new UnsupportedFeatureException(
          "JSON response format together with tools is not supported by this model");
    }
    List<ToolDefinition> definitions =
        specifications.stream().map(tool -> definition(Schemas.function(tool))).toList();
    if (isForced) {
      List<ToolDefinition> closed =
          specifications.stream()
              .map(Schemas::function)
              .map(function -> definition(Schemas.closed(function).getAsJsonObject()))
              .toList();
      return new Tools(
          definitions, checked(() -> grammars.get().ofSchema(ToolDefinition.callSchema(closed))));
    }
    return new Tools(definitions, isJson ? json(format, grammars) : null);
  }

  private static ToolDefinition definition(JsonObject function) {
    return ToolDefinition.parse(function.toString());
  }

  private static Supplier<TokenConstraint> json(
      ResponseFormat format, Supplier<JsonGrammars> grammars) {
    return checked(
        () ->
            format.jsonSchema() == null
                ? grammars.get().anyObject()
                : grammars.get().ofSchema(Schemas.of(format.jsonSchema().rootElement())));
  }

  private static Supplier<TokenConstraint> checked(Supplier<Supplier<TokenConstraint>> grammar) {
    try {
      return grammar.get();
    } catch (IllegalArgumentException | JsonParseException e) {
      throw new InvalidRequestException(String.valueOf(e.getMessage()), e);
    }
  }
}
