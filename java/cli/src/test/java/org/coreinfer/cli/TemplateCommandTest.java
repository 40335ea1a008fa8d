package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateCommandTest {
  private static Command.Outcome template(String... arguments) {
    return Command.run(Command.withModel("template", arguments));
  }

  @Test
  void printsThePromptExactly() {
    assertEquals(
        """
        <|im_start|>system
        Be brief.<|im_end|>
        <|im_start|>user
        Hi {{ 1 }}<|im_end|>
        <|im_start|>assistant
        """,
        template("--chat-template", "chatml", "--system", "Be brief.", "-p", "Hi {{ 1 }}")
            .done()
            .out());
  }

  @Test
  void givesTextTokensAndPiecesAsJson() {
    JsonObject json =
        template("--chat-template", "chatml", "-p", "Once upon a time", "--json").json();
    assertTrue(json.get("text").getAsString().startsWith("<|im_start|>user\nOnce"));
    int tokens = json.getAsJsonArray("tokens").size();
    assertTrue(tokens > 4);
    assertEquals(tokens, json.getAsJsonArray("pieces").size());
  }

  @Test
  void readsAConversationAndATemplateFromFiles(@TempDir Path folder) throws Exception {
    Path jinja = folder.resolve("t.jinja");
    Files.writeString(
        jinja,
        "{% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.tool_calls[0].function.arguments.a"
            + " if m.tool_calls }};{% endfor %}{{ tools[0].function.name }}{{ mood }}");
    String conversation =
        """
        {"messages": [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": null,
         "tool_calls": [{"id": "x", "type": "function", "function": {"name": "add",
         "arguments": "{\\"a\\": 7}"}}]}, {"role": "tool", "tool_call_id": "x", "content": "2"}],
         "tools": [{"type": "function", "function": {"name": "add", "parameters": {}}}],
         "chat_template_kwargs": {"mood": "!"}}
        """;
    Path json = folder.resolve("c.json");
    Files.writeString(json, conversation);
    String expected = "user:1+1?;assistant:7;tool:2;add!\n";
    assertEquals(
        expected,
        template("--chat-template", jinja.toString(), "-f", json.toString()).done().out());
    assertEquals(
        expected,
        Command.runWithInput(
                conversation.getBytes(StandardCharsets.UTF_8),
                Command.withModel("template", "--chat-template", jinja.toString()))
            .done()
            .out());
    assertEquals(
        Files.readString(jinja) + "\n",
        template("--chat-template", jinja.toString(), "--source").done().out());
  }

  @Test
  void readsTheModelsOwnTemplate(@TempDir Path folder) throws Exception {
    Path shared = Command.sharedModel("tinystories-656k");
    for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
      Files.copy(shared.resolve(file), folder.resolve(file));
    }
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"chat_template\": \"{{ bos_token }}[{{ messages[0].content }}]\"}");
    assertEquals("<s>[Hi]\n", Command.run("template", folder.toString(), "-p", "Hi").done().out());
    Path gguf = folder.resolve("m.gguf");
    Command.run("convert", folder.toString(), gguf.toString()).done();
    assertEquals(
        "{{ bos_token }}[{{ messages[0].content }}]\n",
        Command.run("template", gguf.toString(), "--source").done().out());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "no JSON",
        "{\"messages\": 5}",
        "[{\"role\": \"user\"}, 5]",
        "[{\"content\": \"x\"}]",
        "[{\"role\": \"user\", \"content\": [1]}]",
        "[{\"role\": \"user\", \"content\": \"x\", \"tool_calls\": [{}]}]"
      })
  void aBrokenConversationIsASentence(String json) {
    String sentence =
        Command.runWithInput(
                json.getBytes(StandardCharsets.UTF_8),
                Command.withModel("template", "--chat-template", "chatml"))
            .sentence(1);
    assertTrue(sentence.startsWith("coreinfer: stdin: "), sentence);
  }

  @Test
  void wrongUsageIsToldApartFromFailures() {
    assertTrue(template("-p", "x").sentence(1).contains("has no chat template"));
    assertEquals(2, template("--chat-template", "chatml", "-p", "x", "-f", "y").code());
    assertEquals(2, template("--chat-template", "chatml", "--system", "x").code());
    assertEquals(
        2,
        Command.runAtKeyboard(Command.withModel("template", "--chat-template", "chatml")).code());
  }
}
