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
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every template with every conversation, against what Python's jinja2 made of them; see
 * test-data/chat/make_goldens.py. {@code -Dcoreinfer.chat.goldens=FOLDER} compares further ones.
 */
class TemplateGoldenTest {
  private static final String BUILT_IN = "built-in-";

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
                return DynamicTest.dynamicTest(
                    name, () -> compare(template(folder, name), Conversations.json(golden)));
              })
          .toList();
    }
  }

  private ChatTemplate template(Path folder, String name) {
    Map<String, String> specialTokens = conversations.specialTokens();
    if (name.startsWith(BUILT_IN)) {
      return BuiltInTemplates.get(name.substring(BUILT_IN.length()), specialTokens);
    }
    Path file = folder.resolve("templates").resolve(name + ".jinja");
    return ChatTemplate.parse(Conversations.text(file), specialTokens);
  }

  private void compare(ChatTemplate template, JsonObject goldens) {
    for (Conversations.Example example : conversations.examples()) {
      JsonObject golden = goldens.getAsJsonObject(example.name());
      if (golden.has("error")) {
        assertThrows(ChatTemplateException.class, () -> example.prompt(template), example.name());
      } else {
        assertEquals(
            golden.get("text").getAsString(), example.prompt(template).text(), example.name());
      }
    }
  }
}
