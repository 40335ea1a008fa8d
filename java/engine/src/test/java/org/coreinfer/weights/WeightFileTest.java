package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.error.ModelFormatException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightFileTest {
  private final Path folder;

  WeightFileTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void recognisesModelsByContentNotByName() throws IOException {
    Path gguf = Files.write(folder.resolve("model.bin"), GgufBytes.start(3, 0, 0).toBytes());
    try (WeightFile file = WeightFile.open(gguf, TestFiles::map)) {
      assertInstanceOf(GgufFile.class, file);
    }
    Path model = Files.createDirectory(folder.resolve("looks.gguf"));
    Files.writeString(model.resolve("config.json"), "{}");
    Files.write(model.resolve("model.safetensors"), SafetensorsBytes.of("{}", 0));
    try (WeightFile file = WeightFile.open(model, TestFiles::map)) {
      assertInstanceOf(HuggingFaceFolder.class, file);
    }
  }

  @Test
  void saysWhatElseAFileIs() throws IOException {
    assertRefused(SafetensorsBytes.of("{}", 0), "give the folder that holds it and config.json");
    assertRefused(bytes("PK\3\4archive/data.pkl"), "a PyTorch pickle");
    assertRefused(bytes("\u0080\2}q\0."), "a PyTorch pickle");
    assertRefused(bytes("tjgg\3\0\0\0"), "from before GGUF");
    assertRefused(bytes("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull");
    assertRefused(bytes("Once upon a time"), "not a model file");
    assertRefused(bytes("GGU"), "not a model file");
    assertRefused(bytes("G"), "not a model file");
    assertRefused(new byte[0], "the file is empty");
    Path named = Files.writeString(folder.resolve("x.safetensors"), "?");
    assertRefused(named, "a safetensors file without its settings");
  }

  @Test
  void saysWhatAPathIs() {
    assertRefused(folder, "a folder without config.json");
    assertRefused(folder.resolve("absent.gguf"), "no such file or folder");
    assertRefused(Path.of("/dev/null"), "not a regular file");
  }

  @Test
  void givesTheCauseOfAFileCutShort() throws IOException {
    assertRefused(bytes("GGUF"), "the file ends too early, at byte 4");
    assertRefused(bytes("GGUF\3\0\0\0\1"), "the file ends too early, at byte 9");
  }

  private void assertRefused(byte[] content, String expected) throws IOException {
    assertRefused(Files.write(folder.resolve("file"), content), expected);
  }

  private static void assertRefused(Path path, String expected) {
    String message =
        String.valueOf(
            assertThrows(
                    ModelFormatException.class, () -> WeightFile.open(path, TestFiles::map).close())
                .getMessage());
    assertTrue(message.contains(path.getFileName() + ": "), message);
    assertTrue(message.contains(expected), message);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
