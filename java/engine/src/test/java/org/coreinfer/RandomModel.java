package org.coreinfer;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.coreinfer.backend.Host;
import org.coreinfer.model.family.GgufConversion;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Quantization;
import org.jspecify.annotations.Nullable;

/** A small Llama with random weights. */
public final class RandomModel {
  public static final int LAYERS = 4;
  public static final int DIM = 32;
  public static final int NEURONS = 96;
  public static final int VOCABULARY = 96;

  private static final RandomModel SMALL = new RandomModel(LAYERS, DIM, NEURONS);
  private static final RandomModel WIDE = new RandomModel(3, 256, 512);

  private final int layers;
  private final int dim;
  private final int neurons;

  /** What was made, as many tests want the same files. */
  private final Map<Quantization, byte[]> files = new ConcurrentHashMap<>();

  private byte @Nullable [] weights;

  private RandomModel(int layers, int dim, int neurons) {
    this.layers = layers;
    this.dim = dim;
    this.neurons = neurons;
  }

  private String config() {
    return """
        {"model_type": "llama", "hidden_act": "silu", "hidden_size": %d, "intermediate_size": %d,
         "num_hidden_layers": %d, "num_attention_heads": 4, "num_key_value_heads": 2,
         "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
         "tie_word_embeddings": false, "vocab_size": %d, "eos_token_id": 2}
        """
        .formatted(dim, neurons, layers, VOCABULARY);
  }

  /** Each printable ASCII character, the space and the line break are a token. */
  private static String tokenizer() {
    JsonObject vocabulary = new JsonObject();
    for (int i = 0; i < VOCABULARY - 2; i++) {
      vocabulary.addProperty(Character.toString('!' + i), i);
    }
    vocabulary.addProperty("\u0120", VOCABULARY - 2);
    vocabulary.addProperty("\u010a", VOCABULARY - 1);
    return """
        {"model": {"type": "BPE", "vocab": %s, "merges": []},
         "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
         "decoder": {"type": "ByteLevel"}}
        """
        .formatted(vocabulary);
  }

  /**
   * Writes it as a GGUF file below {@code folder}, always the same, with rows that suit dtypes in
   * groups of 32.
   */
  public static Path write(Path folder, DType dtype) {
    return SMALL.write(folder, Quantization.valueOf(dtype.name()));
  }

  /** The same with fewer layers, and rows that suit every dtype. */
  public static Path writeWide(Path folder, Quantization quantization) {
    return WIDE.write(folder, quantization);
  }

  private Path write(Path folder, Quantization quantization) {
    Path file = folder.resolve(quantization.name() + ".gguf");
    try {
      byte[] bytes = files.computeIfAbsent(quantization, each -> make(folder, each));
      Files.deleteIfExists(file); // rather than changing what may be mapped
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  private byte[] make(Path folder, Quantization quantization) {
    try {
      Path source = Files.createDirectories(folder.resolve("source"));
      Files.writeString(source.resolve("config.json"), config());
      Files.writeString(source.resolve("tokenizer.json"), tokenizer());
      Files.write(source.resolve("model.safetensors"), weights());
      Path file = source.resolve("made.gguf");
      try (HuggingFaceFolder model = HuggingFaceFolder.open(source, Host::map)) {
        new GgufConversion(model, quantization).write(file, (written, total) -> {});
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private synchronized byte[] weights() {
    byte[] known = weights;
    if (known == null) {
      known = safetensors();
      weights = known;
    }
    return known;
  }

  private byte[] safetensors() {
    int kvDim = dim / 2;
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new int[] {VOCABULARY, dim});
    shapes.put("lm_head.weight", new int[] {VOCABULARY, dim});
    shapes.put("model.norm.weight", new int[] {dim});
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      shapes.put(prefix + "input_layernorm.weight", new int[] {dim});
      shapes.put(prefix + "post_attention_layernorm.weight", new int[] {dim});
      shapes.put(prefix + "self_attn.q_proj.weight", new int[] {dim, dim});
      shapes.put(prefix + "self_attn.k_proj.weight", new int[] {kvDim, dim});
      shapes.put(prefix + "self_attn.v_proj.weight", new int[] {kvDim, dim});
      shapes.put(prefix + "self_attn.o_proj.weight", new int[] {dim, dim});
      shapes.put(prefix + "mlp.gate_proj.weight", new int[] {neurons, dim});
      shapes.put(prefix + "mlp.up_proj.weight", new int[] {neurons, dim});
      shapes.put(prefix + "mlp.down_proj.weight", new int[] {dim, neurons});
    }
    int total = shapes.values().stream().mapToInt(RandomModel::elements).sum() * Float.BYTES;
    ByteBuffer data = ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN);
    Random random = new Random(11);
    String header =
        shapes.entrySet().stream()
            .map(tensor -> entry(tensor.getKey(), tensor.getValue(), data, random))
            .collect(Collectors.joining(",", "{", "}"));
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + json.length + total)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data.flip())
        .array();
  }

  private static int elements(int[] shape) {
    return shape.length == 1 ? shape[0] : shape[0] * shape[1];
  }

  private static String entry(String name, int[] shape, ByteBuffer data, Random random) {
    int begin = data.position();
    boolean isNorm = shape.length == 1;
    double scale = isNorm ? 0.1 : 2 / Math.sqrt(shape[1]);
    for (int i = 0; i < elements(shape); i++) {
      data.putFloat((float) (random.nextGaussian() * scale + (isNorm ? 1 : 0)));
    }
    String sizes = isNorm ? "[" + shape[0] + "]" : "[" + shape[0] + "," + shape[1] + "]";
    return "\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
        .formatted(name, sizes, begin, data.position());
  }
}
