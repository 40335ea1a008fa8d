package org.coreinfer.evaluation.task;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * Records of a JSON text: the elements of a list, of the list that an only object holds as {@code
 * data} or {@code Data}, or one object per line.
 */
final class JsonRecords {
  private static final int MAX_DEPTH = 64;
  private static final String[] LISTS = {"data", "Data"};
  private static final Pattern PLACE = Pattern.compile("line \\d+ column \\d+");

  private JsonRecords() {}

  static List<TaskRecord> read(Path file, String text) {
    List<String> lines = text.lines().toList();
    if (isOneObjectPerLine(lines)) {
      List<TaskRecord> records = new ArrayList<>();
      for (int i = 0; i < lines.size(); i++) {
        if (!lines.get(i).isBlank()) {
          String where = file + ": line " + (i + 1);
          records.add(record(where, parse(where, lines.get(i))));
        }
      }
      return records;
    }
    return elements(file, parse(file.toString(), text));
  }

  /**
   * Whether the first line ends what it begins. A file of one line that holds an object with a list
   * is a value of its own.
   */
  private static boolean isOneObjectPerLine(List<String> lines) {
    String first = lines.stream().filter(line -> !line.isBlank()).findFirst().orElseThrow();
    try {
      return parse("", first) instanceof JsonObject object && list(object) == null;
    } catch (CoreInferException e) {
      return false; // goes on in the next line, or is broken: read as a whole it will tell
    }
  }

  private static List<TaskRecord> elements(Path file, JsonElement value) {
    JsonArray list = value instanceof JsonArray array ? array : null;
    if (value instanceof JsonObject object) {
      list = list(object);
      if (list == null) {
        return List.of(record(file + ": record 1", object));
      }
    }
    if (list == null) {
      throw new CoreInferException(file + ": expected a list of records");
    }
    List<TaskRecord> records = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      records.add(record(file + ": record " + (i + 1), list.get(i)));
    }
    return records;
  }

  private static @Nullable JsonArray list(JsonObject object) {
    for (String name : LISTS) {
      if (object.get(name) instanceof JsonArray list) {
        return list;
      }
    }
    return null;
  }

  private static TaskRecord record(String where, JsonElement value) {
    if (value instanceof JsonObject object) {
      return new TaskRecord(where, object);
    }
    throw new CoreInferException(where + ": expected an object with named fields");
  }

  private static JsonElement parse(String where, String json) {
    try (JsonReader reader = new JsonReader(new StringReader(json))) {
      reader.setStrictness(Strictness.STRICT);
      reader.setNestingLimit(MAX_DEPTH);
      JsonElement value = JsonParser.parseReader(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new CoreInferException(where + ": text after the end of the JSON value");
      }
      return value;
    } catch (IOException | JsonParseException | IllegalStateException e) {
      throw new CoreInferException(where + ": not valid JSON: " + reason(e), e);
    }
  }

  /** The end of Gson's message, which says where; what comes before advises its caller. */
  private static String reason(Exception e) {
    String message = String.valueOf(e.getMessage());
    Matcher place = PLACE.matcher(message);
    return place.find() ? "see " + place.group() : message.lines().findFirst().orElse(message);
  }
}
