package org.coreinfer.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.coreinfer.error.CoreInferException;

/**
 * Text from a file or from stdin: UTF-8, without the line break at its end that editors and echo
 * add.
 */
final class TextInput {
  private TextInput() {}

  static String ofFile(Path file) {
    try {
      return decode(file.toString(), Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new CoreInferException(file + ": no such file", e);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  static String ofStream(InputStream in) {
    try {
      return decode("stdin", in.readAllBytes());
    } catch (IOException e) {
      throw new CoreInferException("stdin cannot be read: " + e.getMessage(), e);
    }
  }

  private static String decode(String source, byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.replaceFirst("\\R\\z", "");
    } catch (CharacterCodingException e) {
      throw new CoreInferException(source + ": is not UTF-8 text", e);
    }
  }
}
