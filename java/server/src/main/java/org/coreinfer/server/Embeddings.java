package org.coreinfer.server;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.coreinfer.Model;

/** Answers {@code POST /embeddings}: texts as vectors of length 1. Thread-safe. */
final class Embeddings implements Endpoint {
  private final ServedModel served;
  private final Semaphore turn = new Semaphore(1, true); // each text takes all processors

  Embeddings(ServedModel served) {
    this.served = served;
  }

  @Override
  public void answer(Call call) {
    Fields fields = call.fields();
    served.requireNamed(fields);
    Model model = served.model();
    List<Prompts.Prompt> texts = Prompts.read(fields, "input", model, call.limits().prompts());
    boolean isPacked = isPacked(fields);
    requireDimensions(fields, model.config().dim());
    List<JsonOut> data = new ArrayList<>();
    int tokens = 0;
    for (Prompts.Prompt text : texts) {
      data.add(
          new JsonOut()
              .put("object", "embedding")
              .put("index", data.size())
              .put("embedding", encoded(embed(model, text.tokens()), isPacked)));
      tokens += text.tokens().size();
    }
    call.send(
        new JsonOut()
            .put("object", "list")
            .putObjects("data", data)
            .put("model", served.id())
            .put("usage", new JsonOut().put("prompt_tokens", tokens).put("total_tokens", tokens)));
  }

  private float[] embed(Model model, List<Integer> tokens) {
    turn.acquireUninterruptibly();
    try {
      return model.embed(tokens);
    } finally {
      turn.release();
    }
  }

  private static boolean isPacked(Fields fields) {
    String encoding = fields.string("encoding_format", "float");
    return switch (encoding) {
      case "float" -> false;
      case "base64" -> true;
      default ->
          throw ApiException.invalid(
              "encoding_format",
              "encoding_format: expected float or base64, found " + PlainText.of(encoding));
    };
  }

  private static void requireDimensions(Fields fields, int dim) {
    int asked = fields.integer("dimensions", 1, Integer.MAX_VALUE, dim);
    if (asked != dim) {
      throw ApiException.unsupported(
          "dimensions",
          "dimensions=%d: this model's vectors have %d; leave it out".formatted(asked, dim));
    }
  }

  /** A list of numbers, or base64 of little-endian floats. */
  private static JsonElement encoded(float[] vector, boolean isPacked) {
    if (isPacked) {
      ByteBuffer bytes =
          ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(vector);
      return new JsonPrimitive(Base64.getEncoder().encodeToString(bytes.array()));
    }
    JsonArray numbers = new JsonArray();
    for (float value : vector) {
      numbers.add(value);
    }
    return numbers;
  }
}
