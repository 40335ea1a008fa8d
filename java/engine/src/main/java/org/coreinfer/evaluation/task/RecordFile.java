package org.coreinfer.evaluation.task;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.coreinfer.error.CoreInferException;

/** The records of a UTF-8 file: JSON if it begins with a bracket, and CSV with a header if not. */
final class RecordFile {
  private static final long MAX_BYTES = 1L << 29;
  private static final String BYTE_ORDER_MARK = "\ufeff";

  private static final CSVFormat TABLE =
      CSVFormat.RFC4180
          .builder()
          .setHeader()
          .setSkipHeaderRecord(true)
          .setIgnoreEmptyLines(true)
          .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW)
          .get();

  private RecordFile() {}

  /**
   * The records in the order of the file.
   *
   * @throws CoreInferException if the file can't be read, or not as records
   */
  static List<TaskRecord> read(Path file) {
    String text = text(file);
    if (text.isBlank()) {
      return List.of();
    }
    char first = text.stripLeading().charAt(0);
    return first == '{' || first == '[' ? JsonRecords.read(file, text) : table(file, text);
  }

  private static String text(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw new CoreInferException(
            file + ": has " + bytes + " bytes, expected at most " + MAX_BYTES);
      }
      ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file));
      String text = StandardCharsets.UTF_8.newDecoder().decode(content).toString();
      return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
    } catch (NoSuchFileException e) {
      throw new CoreInferException(file + ": no such file", e);
    } catch (CharacterCodingException e) {
      throw new CoreInferException(file + ": is not UTF-8 text", e);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static List<TaskRecord> table(Path file, String text) {
    List<TaskRecord> records = new ArrayList<>();
    long line = 1;
    try (CSVParser rows = CSVParser.parse(text, TABLE)) {
      List<String> names = rows.getHeaderNames();
      line = rows.getCurrentLineNumber() + 1;
      for (CSVRecord row : rows) {
        records.add(record(file + ": line " + line, names, row));
        line = rows.getCurrentLineNumber() + 1;
      }
      return records;
    } catch (IOException
        | UncheckedIOException // what the iterator makes of it
        | IllegalArgumentException
        | IllegalStateException e) {
      throw notATable(file, line, e);
    }
  }

  private static TaskRecord record(String where, List<String> names, CSVRecord row) {
    if (row.size() != names.size()) {
      throw new CoreInferException(
          "%s: has %d fields, the header names %d".formatted(where, row.size(), names.size()));
    }
    JsonObject fields = new JsonObject();
    for (int i = 0; i < row.size(); i++) {
      fields.addProperty(names.get(i).strip(), row.get(i));
    }
    return new TaskRecord(where, fields);
  }

  private static CoreInferException notATable(Path file, long line, Exception e) {
    return new CoreInferException(
        file + ": not a CSV table, from line " + line + " on: " + e.getMessage(), e);
  }
}
