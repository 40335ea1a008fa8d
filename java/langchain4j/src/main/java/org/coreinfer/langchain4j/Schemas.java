package org.coreinfer.langchain4j;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;

/** LangChain4j's JSON schemas as JSON. */
final class Schemas {
  private static final String ONLY = "value";

  private Schemas() {}

  /**
   * A schema for an answer. Objects that name their properties have no others, unless the schema
   * says so, as LangChain4j's own schemas leave that open.
   *
   * @throws com.google.gson.JsonParseException if it is raw and no JSON
   */
  static String of(JsonSchemaElement element) {
    if (element instanceof JsonRawSchema raw) {
      return raw.schema();
    }
    if (element instanceof JsonObjectSchema object) {
      return closed(parameters(object)).toString();
    }
    JsonObjectSchema around = JsonObjectSchema.builder().addProperty(ONLY, element).build();
    return closed(parameters(around).getAsJsonObject("properties").get(ONLY)).toString();
  }

  /** Tool specifications are what LangChain4j writes as JSON in public. */
  private static JsonObject parameters(JsonObjectSchema schema) {
    return function(ToolSpecification.builder().name(ONLY).parameters(schema).build())
        .getAsJsonObject("parameters");
  }

  /** A tool's name, description and parameters, without what is not meant for the model. */
  static JsonObject function(ToolSpecification tool) {
    JsonObject function = JsonParser.parseString(tool.toJson()).getAsJsonObject();
    function.remove("metadata");
    function.remove("strict");
    if (!function.has("parameters")) {
      JsonObject nothing = new JsonObject();
      nothing.addProperty("type", "object");
      nothing.add("properties", new JsonObject());
      function.add("parameters", nothing);
    }
    return function;
  }

  /** The same schema, in which objects have only the properties that are named. */
  static JsonElement closed(JsonElement schema) {
    if (schema instanceof JsonArray array) {
      JsonArray all = new JsonArray();
      array.forEach(item -> all.add(closed(item)));
      return all;
    }
    if (!(schema instanceof JsonObject object)) {
      return schema;
    }
    JsonObject all = new JsonObject();
    object.entrySet().forEach(entry -> all.add(entry.getKey(), closed(entry.getValue())));
    boolean isObject = object.has("type") && object.has("properties");
    if (isObject && !object.has("additionalProperties")) {
      all.addProperty("additionalProperties", false);
    }
    return all;
  }
}
