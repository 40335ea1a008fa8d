package org.coreinfer.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small tokenizer.json files made from real ones by changing a member. */
final class TokenizerJsonFixture {
  private final Path folder;
  private int files;

  TokenizerJsonFixture(Path folder) {
    this.folder = folder;
  }

  static JsonObject read(String model) throws IOException {
    Path file = SharedData.path("models").resolve(model).resolve("tokenizer.json");
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  static JsonElement json(String text) {
    return JsonParser.parseString(text);
  }

  Path write(JsonElement root) throws IOException {
    return write(root.toString());
  }

  Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("tokenizer" + files++ + ".json"), text);
  }
}
