package org.coreinfer.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.coreinfer.chat.ToolDefinition;
import org.coreinfer.grammar.JsonGrammar;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * What an answer may be besides text: calls of tools, or JSON of a form.
 *
 * @param tools what the model may call; empty for nothing
 * @param constraint on the answer's tokens; null for none
 */
record ToolFields(List<ToolDefinition> tools, @Nullable Supplier<TokenConstraint> constraint) {

  /**
   * The tools, which of them must be called, and the form of the answer.
   *
   * @throws ApiException if they are not in OpenAI's form, or contradict each other
   */
  static ToolFields read(Fields fields, Tokenizer tokenizer) {
    List<ToolDefinition> tools = tools(fields);
    List<ToolDefinition> forced = new ArrayList<>();
    JsonElement choice = fields.element("tool_choice");
    if (choice instanceof JsonPrimitive) {
      switch (Fields.stringOf(choice, "tool_choice")) {
        case "none" -> tools = List.of();
        case "auto" -> forced = List.of();
        case "required" -> forced = tools;
        default -> throw wrongChoice();
      }
      if (tools.isEmpty() && Fields.stringOf(choice, "tool_choice").equals("required")) {
        throw ApiException.invalid("tool_choice", "tool_choice: there are no tools to call");
      }
    } else if (choice != null) {
      forced = List.of(named(fields.object("tool_choice"), tools));
    }
    if (hasForm(fields) && !tools.isEmpty()) {
      throw ApiException.unsupported(
          "response_format",
          "response_format: cannot be had together with tools; leave out one of them, or give"
              + " tool_choice none");
    }
    return new ToolFields(
        tools,
        forced.isEmpty()
            ? format(fields, tokenizer)
            : grammar("tools", ToolDefinition.callSchema(forced), tokenizer));
  }

  private static boolean hasForm(Fields fields) {
    return fields.has("response_format")
        && !"text".equals(fields.object("response_format").string("type"));
  }

  private static List<ToolDefinition> tools(Fields fields) {
    List<ToolDefinition> tools = new ArrayList<>();
    List<Fields> objects = fields.objects("tools");
    JsonArray array = fields.array("tools");
    for (int i = 0; array != null && i < array.size(); i++) {
      ChatFields.requireFunction(objects.get(i));
      objects.get(i).element("function");
      try {
        tools.add(ToolDefinition.parse(array.get(i).toString()));
      } catch (IllegalArgumentException e) {
        String name = "tools[" + i + "]";
        throw ApiException.invalid(name, name + ": " + e.getMessage());
      }
    }
    return tools;
  }

  private static ApiException wrongChoice() {
    return ApiException.invalid(
        "tool_choice",
        "tool_choice: expected none, auto, required, or the function that must be called");
  }

  private static ToolDefinition named(Fields choice, List<ToolDefinition> tools) {
    ChatFields.requireFunction(choice);
    String name = choice.object("function").requiredString("name");
    Optional<ToolDefinition> tool = tools.stream().filter(t -> t.name().equals(name)).findFirst();
    return tool.orElseThrow(
        () ->
            ApiException.invalid(
                "tool_choice", "tool_choice: there is no tool " + PlainText.of(name)));
  }

  private static @Nullable Supplier<TokenConstraint> format(Fields fields, Tokenizer tokenizer) {
    if (!fields.has("response_format")) {
      return null;
    }
    Fields format = fields.object("response_format");
    String type = format.requiredString("type");
    return switch (type) {
      case "text" -> null;
      case "json_object" -> JsonGrammar.anyObject(tokenizer);
      case "json_schema" -> {
        Fields schema = format.object("json_schema");
        schema.string("name");
        schema.string("description");
        schema.bool("strict");
        JsonElement given = schema.element("schema");
        if (given == null) {
          throw schema.missing("schema", "a JSON schema");
        }
        yield grammar(schema.nameOf("schema"), given.toString(), tokenizer);
      }
      default ->
          throw ApiException.invalid(
              format.nameOf("type"),
              "%s: expected text, json_object or json_schema, found %s"
                  .formatted(format.nameOf("type"), PlainText.of(type)));
    };
  }

  private static Supplier<TokenConstraint> grammar(
      String name, String schema, Tokenizer tokenizer) {
    try {
      return JsonGrammar.ofSchema(schema, tokenizer);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(name, name + ": " + e.getMessage());
    }
  }
}
