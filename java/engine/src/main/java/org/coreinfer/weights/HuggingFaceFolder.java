package org.coreinfer.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A model as Hugging Face Transformers saves it: a folder with config.json and either
 * model.safetensors or several shards with model.safetensors.index.json. Tensors of files whose
 * header was not padded may start at any address, not only at multiples of their element's size.
 */
public final class HuggingFaceFolder implements WeightFile {
  private static final String CONFIG = "config.json";
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final String name;
  private final Path path;
  private final JsonConfig config;
  private final TensorTable table;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final List<NativeMemory> shards = new ArrayList<>();

  private HuggingFaceFolder(Path path, JsonConfig config) {
    this.name = FileHead.name(path);
    this.path = path;
    this.config = config;
    this.table = new TensorTable(name);
  }

  /**
   * Maps the weights of a folder.
   *
   * @throws ModelFormatException if it is no such folder, or one of its files is broken
   */
  public static HuggingFaceFolder open(Path path, FileMapper mapper) {
    if (!Files.isRegularFile(path.resolve(CONFIG))) {
      throw new ModelFormatException(
          path + ": a folder without config.json; give a Hugging Face folder or a GGUF file");
    }
    HuggingFaceFolder folder = new HuggingFaceFolder(path, JsonConfig.read(path.resolve(CONFIG)));
    try {
      folder.map(mapper);
      return folder;
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  @Override
  public String name() {
    return name;
  }

  public Path path() {
    return path;
  }

  @Override
  public String architecture() {
    return config.string("model_type");
  }

  /** The content of config.json. */
  public JsonConfig config() {
    return config;
  }

  /** The free text in the headers of the safetensors files; unmodifiable. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  @Override
  public Map<String, Tensor> tensors() {
    return table.tensors();
  }

  @Override
  public Map<String, String> unsupported() {
    return table.unsupported();
  }

  @Override
  public Tensor tensor(String tensorName) {
    return table.tensor(tensorName);
  }

  @Override
  public Optional<Tensor> find(String tensorName) {
    return table.find(tensorName);
  }

  @Override
  public long bytes() {
    return shards.stream().mapToLong(NativeMemory::bytes).sum();
  }

  @Override
  public void close() {
    shards.forEach(NativeMemory::close);
  }

  private void map(FileMapper mapper) {
    if (Files.exists(path.resolve(SINGLE))) {
      SafetensorsFile file = mapShard(SINGLE, mapper);
      file.tensors().forEach(entry -> table.add(entry, lastShard()));
    } else if (Files.exists(path.resolve(INDEX))) {
      mapShards(ShardIndex.read(path.resolve(INDEX)), mapper);
    } else if (Files.exists(path.resolve("pytorch_model.bin"))
        || Files.exists(path.resolve("pytorch_model.bin.index.json"))) {
      throw new ModelFormatException(
          name
              + ": only PyTorch pickles, which can run code when loaded; save the model as"
              + " safetensors");
    } else {
      throw new ModelFormatException(
          name + ": neither " + SINGLE + " nor " + INDEX + " is in the folder");
    }
  }

  private void mapShards(ShardIndex index, FileMapper mapper) {
    Set<String> missing = new LinkedHashSet<>(index.shardOf().keySet());
    Map<String, String> unlisted = new LinkedHashMap<>();
    for (String shard : index.shards()) {
      if (!Files.exists(path.resolve(shard))) {
        throw new ModelFormatException(
            index.source() + ": the file " + shard + " is missing from the folder");
      }
      SafetensorsFile file = mapShard(shard, mapper);
      for (TensorEntry entry : file.tensors()) {
        @Nullable String listed = index.shardOf().get(entry.name());
        if (shard.equals(listed)) {
          missing.remove(entry.name());
          table.add(entry, lastShard());
        } else if (listed == null) {
          unlisted.put(entry.name(), "it is in " + shard + ", but not listed in " + INDEX);
        }
      }
    }
    if (!missing.isEmpty()) {
      String first = missing.iterator().next();
      throw new ModelFormatException(
          index.source()
              + ": weight_map: "
              + Printable.of(first)
              + " is not in "
              + index.shardOf().get(first)
              + "; tensors that are not where the index says: "
              + missing.size());
    }
    unlisted.forEach(table::addUnsupported);
  }

  private SafetensorsFile mapShard(String shard, FileMapper mapper) {
    Path file = path.resolve(shard);
    FileHead.read(file);
    NativeMemory memory = mapper.map(file);
    shards.add(memory);
    SafetensorsFile header = SafetensorsFile.read(FileHead.nameInFolder(file), memory);
    header.metadata().forEach(metadata::putIfAbsent);
    return header;
  }

  private NativeMemory lastShard() {
    return shards.get(shards.size() - 1);
  }
}
