package org.coreinfer.weights;

import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.coreinfer.error.ModelFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The {@code weight_map} of a model.safetensors.index.json: which file of the folder holds which
 * tensor.
 *
 * @param source the index's name, for messages
 * @param shardOf file name by tensor name
 */
record ShardIndex(String source, Map<String, String> shardOf) {
  private static final int MAX_BYTES = 64 << 20;

  static ShardIndex read(Path file) {
    String source = FileHead.nameInFolder(file);
    Map<String, String> shardOf =
        StrictJson.parse(file, source, MAX_BYTES, reader -> weightMap(source, reader));
    if (shardOf.isEmpty()) {
      throw new ModelFormatException(source + ": weight_map is missing or empty");
    }
    return new ShardIndex(source, shardOf);
  }

  /** The files to open, in name order. */
  SortedSet<String> shards() {
    return new TreeSet<>(shardOf.values());
  }

  private static Map<String, String> weightMap(String source, JsonReader reader)
      throws IOException {
    Map<String, String> shardOf = new LinkedHashMap<>();
    boolean found = false;
    reader.beginObject();
    while (reader.hasNext()) {
      if (!reader.nextName().equals("weight_map")) {
        reader.skipValue();
      } else if (found) {
        throw StrictJson.duplicate("weight_map");
      } else {
        found = true;
        readWeightMap(source, reader, shardOf);
      }
    }
    reader.endObject();
    return shardOf;
  }

  private static void readWeightMap(String source, JsonReader reader, Map<String, String> shardOf)
      throws IOException {
    HeapBudget budget = new HeapBudget(source);
    Map<String, String> shards = new TreeMap<>();
    reader.beginObject();
    while (reader.hasNext()) {
      String tensor = reader.nextName();
      String shard = reader.nextString();
      budget.chargeEntry();
      budget.chargeString(tensor.length());
      @Nullable String known = shards.get(shard);
      if (known == null) {
        requireFileName(source, tensor, shard);
        budget.chargeString(shard.length());
        shards.put(shard, shard);
        known = shard;
      }
      if (shardOf.put(tensor, known) != null) {
        throw StrictJson.duplicate(tensor);
      }
    }
    reader.endObject();
  }

  /** Refuses names that lead out of the folder, or to something else than a shard. */
  private static void requireFileName(String source, String tensor, String shard) {
    boolean isFileName =
        shard.endsWith(".safetensors")
            && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
    if (!isFileName) {
      throw new ModelFormatException(
          source
              + ": weight_map: "
              + Printable.of(tensor)
              + ": "
              + Printable.of(shard)
              + " is not the name of a safetensors file in the folder");
    }
  }
}
