package org.coreinfer.evaluation;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.error.CoreInferException;

/** Cuts a text file at the lines that say {@code <|endoftext|>}. */
public final class Documents {
  private static final String SEPARATOR = "<|endoftext|>";

  private Documents() {}

  /**
   * The first {@code most} documents, without the line breaks beside the separators; blank ones
   * don't count. Line breaks become {@code \n}.
   *
   * @throws CoreInferException if the file can't be read as UTF-8
   */
  public static List<String> read(Path file, int most) {
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      return cut(lines, most);
    } catch (NoSuchFileException e) {
      throw new CoreInferException(file + ": no such file", e);
    } catch (CharacterCodingException e) {
      throw new CoreInferException(file + ": is not UTF-8 text", e);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static List<String> cut(BufferedReader lines, int most) throws IOException {
    List<String> documents = new ArrayList<>();
    List<String> current = new ArrayList<>();
    String line = lines.readLine();
    while (line != null && documents.size() < most) {
      if (line.strip().equals(SEPARATOR)) {
        add(current, documents);
      } else {
        current.add(line);
      }
      line = lines.readLine();
    }
    if (documents.size() < most) {
      add(current, documents);
    }
    return documents;
  }

  private static void add(List<String> lines, List<String> documents) {
    String text = String.join("\n", lines);
    if (!text.isBlank()) {
      documents.add(text);
    }
    lines.clear();
  }
}
