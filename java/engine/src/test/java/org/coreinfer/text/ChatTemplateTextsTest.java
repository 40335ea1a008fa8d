package org.coreinfer.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.backend.Host;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Metadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTextsTest {
  @TempDir private Path folder;

  private ChatTemplateTexts ofFolder(String tokenizerConfig) throws IOException {
    Path shared = SharedData.path("models/tinystories-656k");
    for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
      Files.copy(shared.resolve(file), folder.resolve(file));
    }
    Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig);
    try (HuggingFaceFolder file = HuggingFaceFolder.open(folder, Host::map)) {
      return ChatTemplateTexts.of(file);
    }
  }

  @Test
  void readsTheOneTemplateOfAFolderAndItsSpecialTokens() throws IOException {
    ChatTemplateTexts texts =
        ofFolder(
            """
            {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": "{{ x }}"}""");
    assertEquals(Map.of("default", "{{ x }}"), texts.templates());
    assertEquals("<s>", texts.specialTokens().get("bos_token"));
    assertEquals("</s>", texts.specialTokens().get("eos_token"));
  }

  @Test
  void readsNamedTemplatesOfAFolder() throws IOException {
    ChatTemplateTexts texts =
        ofFolder(
            """
            {"chat_template": [{"name": "default", "template": "a"},
             {"name": "tool_use", "template": "b"}]}""");
    assertEquals(Map.of("default", "a", "tool_use", "b"), texts.templates());
  }

  @Test
  void aFileOfItsOwnWinsOverTheConfiguration() throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), "of a file ü\n");
    ChatTemplateTexts texts = ofFolder("{\"chat_template\": \"of the configuration\"}");
    assertEquals(Map.of("default", "of a file ü\n"), texts.templates());
  }

  @Test
  void aTemplateThatIsNoTextIsNamed() {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> ofFolder("{\"chat_template\": 5}"));
    assertTrue(String.valueOf(e.getMessage()).contains("chat_template"), e.getMessage());
  }

  @Test
  void readsTemplatesAndSpecialTokensOfGguf() {
    GgufWriter writer = new GgufWriter();
    writer.string("general.architecture", "llama");
    writer.string("tokenizer.chat_template", "usual");
    writer.string("tokenizer.chat_template.tool_use", "with tools");
    writer.strings("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>"));
    writer.integer("tokenizer.ggml.bos_token_id", 1);
    writer.integer("tokenizer.ggml.eos_token_id", 2);
    Path file = folder.resolve("model.gguf");
    writer.write(file, (written, total) -> {});
    try (GgufFile gguf = GgufFile.open(file, Host::map)) {
      ChatTemplateTexts texts = ChatTemplateTexts.of(gguf);
      assertEquals(Map.of("default", "usual", "tool_use", "with tools"), texts.templates());
      assertEquals(Map.of("bos_token", "<s>", "eos_token", "</s>"), texts.specialTokens());
    }
  }

  @Test
  void turnsEndAnswersOfModelsThatChat() {
    Map<String, Object> values =
        new HashMap<>(
            Map.of(
                "tokenizer.ggml.model",
                "gpt2",
                "tokenizer.ggml.tokens",
                List.of("a", "<|endoftext|>", "<|im_end|>", "<|end|>"),
                "tokenizer.ggml.token_type",
                new long[] {1, 3, 3, 4},
                "tokenizer.ggml.merges",
                List.of(),
                "tokenizer.ggml.eos_token_id",
                1L));
    assertArrayEquals(new int[] {1}, Tokenizers.fromGguf(new Metadata("base", values)).endTokens());
    values.put("tokenizer.chat_template", "{{ messages }}");
    assertArrayEquals(
        new int[] {1, 2}, Tokenizers.fromGguf(new Metadata("chat", values)).endTokens());
  }
}
