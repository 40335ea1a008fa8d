package org.coreinfer.evaluation.task;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.coreinfer.error.CoreInferException;

/**
 * Named fields of a file, nested or not, which know where they stand: asking for a field that is
 * missing, blank or of another type is an exception with file, record and field.
 */
final class TaskRecord {
  private final String where;
  private final JsonObject fields;

  /**
   * @param where file and line or record
   */
  TaskRecord(String where, JsonObject fields) {
    this.where = where;
    this.fields = fields;
  }

  String where() {
    return where;
  }

  Set<String> names() {
    return fields.keySet();
  }

  /** Whether the field is there, with some other value than null. */
  boolean has(String name) {
    JsonElement value = fields.get(name);
    return value != null && !value.isJsonNull();
  }

  boolean hasAll(String... names) {
    return List.of(names).stream().allMatch(this::has);
  }

  boolean isRecord(String name) {
    return fields.get(name) instanceof JsonObject;
  }

  boolean isList(String name) {
    return fields.get(name) instanceof JsonArray;
  }

  /** A text that is not blank, without white space around it. */
  String text(String name) {
    return text(name, get(name));
  }

  /** The same of a field that may be blank or missing. */
  String textOrEmpty(String name) {
    boolean isBlank =
        !has(name)
            || (fields.get(name) instanceof JsonPrimitive text && text.getAsString().isBlank());
    return isBlank ? "" : text(name);
  }

  /** Texts that are not blank: all of a list, or the only one. */
  List<String> texts(String name) {
    JsonElement value = get(name);
    if (!(value instanceof JsonArray list)) {
      return List.of(text(name, value));
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      texts.add(text(name + "." + i, list.get(i)));
    }
    return texts;
  }

  TaskRecord record(String name) {
    return record(name, get(name));
  }

  /** A list of records. */
  List<TaskRecord> records(String name) {
    if (!(get(name) instanceof JsonArray list)) {
      throw wrong("field " + name + ": expected a list");
    }
    List<TaskRecord> records = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      records.add(record(name + "." + i, list.get(i)));
    }
    return records;
  }

  CoreInferException wrong(String what) {
    return new CoreInferException(where + ": " + what);
  }

  private JsonElement get(String name) {
    if (!has(name)) {
      throw wrong("field " + name + " is missing");
    }
    return fields.get(name);
  }

  private String text(String name, JsonElement value) {
    if (!(value instanceof JsonPrimitive primitive)) {
      throw wrong("field " + name + ": expected a text");
    }
    String text = primitive.getAsString().strip();
    if (text.isEmpty()) {
      throw wrong("field " + name + " is empty");
    }
    return text;
  }

  private TaskRecord record(String name, JsonElement value) {
    if (value instanceof JsonObject object) {
      return new TaskRecord(where + ", " + name, object);
    }
    throw wrong("field " + name + ": expected an object");
  }
}
