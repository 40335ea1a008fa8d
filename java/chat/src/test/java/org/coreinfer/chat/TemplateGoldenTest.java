package org.coreinfer.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every template with every conversation, against what Python's jinja2 made of them; see
 * test-data/chat/make_goldens.py. {@code -Dcoreinfer.chat.goldens=FOLDER} compares further ones.
 */
class TemplateGoldenTest {
  private final Conversations conversations = Conversations.read();

  @TestFactory
  List<DynamicTest> rendersAsPythonDoes() throws IOException {
    List<DynamicTest> tests = new ArrayList<>(tests(Conversations.folder()));
    String further = System.getProperty("coreinfer.chat.goldens", "");
    if (!further.isEmpty()) {
      tests.addAll(tests(Path.of(further)));
    }
    assertFalse(tests.isEmpty());
    return tests;
  }

  private List<DynamicTest> tests(Path folder) throws IOException {
    try (Stream<Path> goldens = Files.list(folder.resolve("goldens"))) {
      return goldens
          .sorted()
          .map(
              golden -> {
                String name = golden.getFileName().toString().replace(".json", "");
                Path template = folder.resolve("templates").resolve(name + ".jinja");
                return DynamicTest.dynamicTest(
                    name, () -> compare(Conversations.text(template), Conversations.json(golden)));
              })
          .toList();
    }
  }

  private void compare(String source, JsonObject goldens) {
    ChatTemplate template = ChatTemplate.parse(source, conversations.specialTokens());
    for (Conversations.Example example : conversations.examples()) {
      JsonObject golden = goldens.getAsJsonObject(example.name());
      if (golden.has("error")) {
        assertThrows(
            ChatTemplateException.class, () -> example.prompt(template), example.name());
      } else {
        assertEquals(
            golden.get("text").getAsString(), example.prompt(template).text(), example.name());
      }
    }
  }
}
