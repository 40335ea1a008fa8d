package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizeCommandTest {
  private static JsonObject json(String... arguments) {
    return Command.run(Command.withModel("tokenize", arguments)).json();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Once upon a time",
        "Lily said, \"Hi!\"",
        "caf\u00e9 \u2603 \ud83d\ude00",
        "two\nlines\n\n",
        "-"
      })
  void decodingTheTokensGivesTheTextBack(String text) {
    JsonObject encoded =
        Command.runWithInput(
                text.concat("\n").getBytes(StandardCharsets.UTF_8),
                Command.withModel("tokenize", "--json", "-"))
            .json();
    assertEquals(Set.of("tokens", "pieces"), encoded.keySet());
    String ids =
        StreamSupport.stream(encoded.getAsJsonArray("tokens").spliterator(), false)
            .map(String::valueOf)
            .collect(Collectors.joining(","));
    JsonObject decoded = json("--json", "--decode", ids);
    assertEquals(text, decoded.get("text").getAsString());
    assertEquals(encoded.get("pieces"), decoded.get("pieces"));
    String plain = Command.run(Command.withModel("tokenize", "--decode", ids)).done().out();
    assertEquals(text.endsWith("\n") ? text : text + "\n", plain);
  }

  @Test
  void linesShowIdsAndPieces() {
    JsonObject json = json("--json", "One day");
    String lines = Command.run(Command.withModel("tokenize", "One day")).done().out();
    assertEquals(json.getAsJsonArray("tokens").size(), lines.lines().count());
    int row = 0;
    for (String line : lines.lines().toList()) {
      int tab = line.indexOf('\t');
      JsonElement piece = JsonParser.parseString(line.substring(tab + 1));
      assertEquals(json.getAsJsonArray("tokens").get(row).getAsString(), line.substring(0, tab));
      assertEquals(json.getAsJsonArray("pieces").get(row), piece);
      row++;
    }
  }

  @Test
  void theTokensAreThoseThatRunReads() {
    JsonObject run =
        Command.run(Command.withModel("run", "-p", "One day", "-n", "1", "--json")).json();
    assertEquals(run.get("prompt_tokens"), json("One day", "--json").get("tokens"));
  }

  @Test
  void idsMayBeSeparatedByCommasOrSpaces() {
    assertEquals(json("--json", "--decode", "5,6,7"), json("--json", "--decode", " 5 6,  7 "));
  }

  @Test
  void idsOutsideOfTheVocabularyAreRefused() {
    String[] arguments = Command.withModel("tokenize", "--decode", "1,9999999");
    assertTrue(Command.run(arguments).sentence(1).contains("9999999"));
  }
}
