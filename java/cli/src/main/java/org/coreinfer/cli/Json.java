package org.coreinfer.cli;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;

/**
 * Records as one line of JSON: a component {@code promptTokens} is the key {@code prompt_tokens}.
 */
public final class Json {
  /** JSON has no infinity, which a perplexity can be. */
  private static final JsonSerializer<Double> FINITE =
      (value, type, context) ->
          Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;

  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .registerTypeAdapter(double.class, FINITE)
          .registerTypeAdapter(Double.class, FINITE) // what a component is at run time
          .serializeNulls()
          .disableHtmlEscaping()
          .create();

  private Json() {}

  public static String of(Object value) {
    return GSON.toJson(value);
  }

  /** The same on many lines, for files that people read, too. */
  public static String pretty(Object value) {
    return GSON.newBuilder().setPrettyPrinting().create().toJson(value);
  }
}
