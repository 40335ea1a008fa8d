package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamDecoderTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/llama2/tokenizer.model",
        "data/tokenizers/phi-2",
        "models/tinystories-656k",
        "models/stories260k-hf",
        "models/opt-tiny-relu"
      })
  void streamsTheTextThatDecodeGives(String location) throws IOException {
    Tokenizer tokenizer = load(location);
    Random random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      int bound = random.nextInt(3) == 0 ? 300 : tokenizer.vocabularySize() + 2;
      int[] ids = random.ints(random.nextInt(30), -1, bound).toArray();
      StreamDecoder decoder = tokenizer.newStreamDecoder();
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        String part = decoder.next(id);
        assertWhole(part);
        text.append(part);
      }
      text.append(decoder.flush());
      assertEquals(tokenizer.decode(ids), text.toString(), () -> Arrays.toString(ids));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data/tokenizers/llama2",
        "data/tokenizers/llama2/tokenizer.model",
        "data/tokenizers/mistral/tokenizer.model.v1",
        "data/tokenizers/phi-2",
        "data/tokenizers/gpt2",
        "models/stories260k-hf",
        "models/opt-tiny-relu"
      })
  void givesTextBack(String location) throws IOException {
    Tokenizer tokenizer = load(location);
    boolean isSentencePiece = location.contains("llama") || location.contains("mistral");
    AwkwardText texts = new AwkwardText(new Random(9));
    for (int i = 0; i < 2000; i++) {
      String text = AwkwardText.wellFormed(texts.next());
      if (isSentencePiece || location.contains("stories")) {
        // The word mark and a space are one to SentencePiece.
        text = text.replace('▁', ' ');
      }
      if (text.contains("<0x41>")) {
        continue;
      }
      int[] ids = tokenizer.encode(text, true, false);
      assertEquals(text, tokenizer.decode(ids), AwkwardText.escaped(text));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int id : ids) {
        bytes.writeBytes(tokenizer.bytes(id));
      }
      assertEquals(text.strip(), bytes.toString(StandardCharsets.UTF_8).strip());
    }
  }

  @Test
  void holdsBackTheBytesOfAnUnfinishedCharacter() throws IOException {
    Tokenizer tokenizer = load("models/opt-tiny-relu");
    int[] ids = tokenizer.encode("😀!", false, false);
    assertEquals(5, ids.length);
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    for (int i = 0; i < 3; i++) {
      assertEquals("", decoder.next(ids[i]));
    }
    assertEquals("😀", decoder.next(ids[3]));
    assertEquals("!", decoder.next(ids[4]));
    assertEquals("", decoder.flush());
  }

  @Test
  void replacesACharacterThatIsNeverFinished() throws IOException {
    Tokenizer tokenizer = load("models/opt-tiny-relu");
    int[] ids = tokenizer.encode("😀!", false, false);
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    assertEquals("", decoder.next(ids[0]));
    assertEquals("\ufffd!", decoder.next(ids[4]));
    assertEquals("", decoder.next(ids[0]));
    assertEquals("\ufffd", decoder.flush());
  }

  @Test
  void keepsTheSpaceWhereATextGoesOn() throws IOException {
    Tokenizer tokenizer = load("models/stories260k-hf");
    int[] ids = tokenizer.encode("the", false, false);
    StringBuilder text = new StringBuilder();
    StreamDecoder decoder = tokenizer.newStreamDecoder(false);
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    assertEquals(" the", text + decoder.flush());
    assertEquals("the", tokenizer.decode(ids));
  }

  private static void assertWhole(String part) {
    for (int i = 0; i < part.length(); i++) {
      if (Character.isHighSurrogate(part.charAt(i))) {
        i++;
        assertFalse(i == part.length(), "a surrogate pair is split");
      } else {
        assertFalse(Character.isSurrogate(part.charAt(i)), "a surrogate pair is split");
      }
    }
  }

  private static Tokenizer load(String location) {
    Path path = SharedData.path(location);
    return Files.isDirectory(path)
        ? Tokenizers.fromHuggingFace(path)
        : Tokenizers.fromSentencePiece(path);
  }
}
