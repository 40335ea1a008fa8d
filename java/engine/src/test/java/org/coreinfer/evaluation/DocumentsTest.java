package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentsTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private List<String> read(String text, int most) throws IOException {
    Path file = folder.resolve("texts.txt");
    Files.writeString(file, text);
    return Documents.read(file, most);
  }

  @Test
  void cutsAtSeparatorLinesOnly() throws IOException {
    String text = "One.\nTwo.\n<|endoftext|>\nThree <|endoftext|> four.\n<|endoftext|>\r\nFive.\n";
    assertEquals(
        List.of("One.\nTwo.", "Three <|endoftext|> four.", "Five."), read(text, Integer.MAX_VALUE));
  }

  @Test
  void leavesOutBlankDocuments() throws IOException {
    assertEquals(List.of("a"), read("<|endoftext|>\n \n<|endoftext|>\na\n<|endoftext|>\n", 9));
  }

  @Test
  void keepsSpacesWithinADocument() throws IOException {
    assertEquals(List.of("  a\n\n b "), read("  a\n\n b \n", 9));
  }

  @Test
  void readsNoMoreThanAskedFor() throws IOException {
    assertEquals(List.of("a"), read("a\n<|endoftext|>\nb\n", 1));
    assertEquals(List.of("a", "b"), read("a\n<|endoftext|>\nb\n", 2));
  }

  @Test
  void saysWhatIsWrongWithAFile() throws IOException {
    Path missing = folder.resolve("missing.txt");
    assertTrue(failure(missing).endsWith("missing.txt: no such file"), failure(missing));
    Path binary = folder.resolve("binary");
    Files.write(binary, "caf\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(failure(binary).endsWith("binary: is not UTF-8 text"), failure(binary));
    assertTrue(failure(folder).contains("cannot be read"), failure(folder));
  }

  private static String failure(Path file) {
    return String.valueOf(
        assertThrows(CoreInferException.class, () -> Documents.read(file, 1)).getMessage());
  }
}
