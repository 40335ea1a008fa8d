package org.coreinfer.text;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * The tokenizer of Hugging Face, from the native library in ai.djl's jar; it takes well-formed text
 * only.
 */
final class Oracle implements AutoCloseable {
  static {
    System.setProperty("ai.djl.offline", "true");
  }

  private final HuggingFaceTokenizer tokenizer;

  Oracle(Path tokenizerJson) throws IOException {
    tokenizer =
        HuggingFaceTokenizer.newInstance(
            tokenizerJson,
            Map.of("modelMaxLength", "100000000", "truncation", "false", "padding", "false"));
  }

  int[] encode(String text, boolean addSpecial) {
    Encoding encoding = tokenizer.encode(text, addSpecial, false);
    return Arrays.stream(encoding.getIds()).mapToInt(Math::toIntExact).toArray();
  }

  String decode(int[] ids) {
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), true);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
