package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(Served.class)
@Timeout(60)
class EmbeddingsTest {
  private static Server server;
  private static Client client;

  @BeforeAll
  static void start() {
    server = Served.start();
    client = new Client(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static JsonObject item(Client.Reply reply, int index) {
    return reply.json().getAsJsonArray("data").get(index).getAsJsonObject();
  }

  private static float[] floats(JsonArray array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsFloat();
    }
    return values;
  }

  @Test
  void vectorsAreTheLibrarysInBothEncodings() {
    int[] ids = Served.model().tokenizer().encode("a cat", true, true);
    float[] expected = Served.model().embed(Arrays.stream(ids).boxed().toList());
    Client.Reply strings = client.ask("/v1/embeddings", "{'input': ['One day', 'a cat']}");
    assertArrayEquals(expected, floats(item(strings, 1).getAsJsonArray("embedding")));
    assertEquals(1, item(strings, 1).get("index").getAsInt());
    assertTrue(strings.json().getAsJsonObject("usage").get("total_tokens").getAsInt() > ids.length);
    Client.Reply tokens =
        client.ask(
            "/embeddings", "{'input': " + Arrays.toString(ids) + ", 'encoding_format': 'base64'}");
    byte[] bytes = Base64.getDecoder().decode(item(tokens, 0).get("embedding").getAsString());
    float[] unpacked = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(unpacked);
    assertArrayEquals(expected, unpacked);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | input",
        "{'input': []} | input",
        "{'input': 5} | input",
        "{'input': 'x', 'encoding_format': 'hex'} | encoding_format",
        "{'input': 'x', 'dimensions': 7} | dimensions",
        "{'input': 'x', 'model': 'ada'} | model",
      })
  void aBadRequestIsNamed(String body, String param) {
    Client.Reply reply = client.ask("/v1/embeddings", body);
    assertEquals(param, reply.error(param.equals("model") ? 404 : 400).get("param").getAsString());
  }
}
