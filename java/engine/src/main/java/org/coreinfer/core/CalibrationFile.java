package org.coreinfer.core;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.HalfFloat;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.FileMapper;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.GgufWriter;
import org.coreinfer.weights.Metadata;

/**
 * Calibrations as GGUF files, which many tools can look into: {@code general.architecture} is
 * {@value #ARCHITECTURE}; a BF16 tensor {@code cluster.K.roots} (layers, neurons) for each cluster
 * and an F32 tensor {@code budgets.shares} (keeps, layers); for each index K of {@code
 * calibration.maps} F16 tensors {@code map.K.in} (layers * rank, dim) and {@code map.K.out} (layers
 * * dim, rank) and an F32 tensor {@code map.K.constant} (layers, dim); everything else are keys
 * that begin with {@code calibration.}.
 */
public final class CalibrationFile {
  static final String ARCHITECTURE = "coreinfer-calibration";
  private static final int VERSION = 1;
  private static final String KEY = "calibration.";

  private CalibrationFile() {}

  /**
   * Writes a file, replacing one of that name.
   *
   * @throws org.coreinfer.error.CoreInferException if the system refuses; an old file stays then
   */
  public static void write(Calibration calibration, Path file) {
    Calibration.Source source = calibration.source();
    GgufWriter writer = new GgufWriter();
    writer.string("general.architecture", ARCHITECTURE);
    writer.integer(KEY + "version", VERSION);
    writer.string(KEY + "model", source.model());
    writer.integer(KEY + "layers", source.layers());
    writer.integer(KEY + "neurons", source.neurons());
    writer.string(KEY + "rule", source.rule());
    writer.number(KEY + "alpha", (float) source.alpha());
    writer.integer(KEY + "documents", source.documents());
    writer.integer(KEY + "tokens", (int) Math.min(source.tokens(), Integer.MAX_VALUE));
    writer.integer(KEY + "prior_tokens", calibration.priorTokens());
    writer.integer(KEY + "clusters", calibration.clusters());
    writer.numbers(KEY + "keeps", floats(calibration.budgets().keeps()));
    writer.numbers(KEY + "divergence", floats(calibration.budgets().divergence()));
    for (int k = 0; k < calibration.clusters(); k++) {
      int cluster = k;
      writer.tensor(
          rootsName(k),
          DType.BF16,
          source.layers(),
          source.neurons(),
          (row, target) ->
              System.arraycopy(calibration.roots(cluster, row), 0, target, 0, target.length));
    }
    float[][] shares = calibration.budgets().shares();
    writer.tensor(
        "budgets.shares",
        DType.F32,
        shares.length,
        source.layers(),
        (row, target) -> System.arraycopy(shares[row], 0, target, 0, target.length));
    writer.integers(KEY + "maps", calibration.maps().keySet().stream().mapToInt(k -> k).toArray());
    calibration.maps().forEach((k, map) -> write(k, map, writer));
    writer.write(file, (written, total) -> {});
  }

  private static void write(int k, LinearMap map, GgufWriter writer) {
    halves(mapName(k, "in"), map.in(), map.rank(), writer);
    halves(mapName(k, "out"), map.out(), map.dim(), writer);
    writer.tensor(
        mapName(k, "constant"),
        DType.F32,
        map.constant().length,
        map.dim(),
        (row, target) -> System.arraycopy(map.constant()[row], 0, target, 0, target.length));
  }

  /** Writes matrices of so many rows, one below the other. */
  private static void halves(String name, short[][] matrices, int rows, GgufWriter writer) {
    int columns = matrices[0].length / rows;
    writer.tensor(
        name,
        DType.F16,
        Math.multiplyExact(matrices.length, rows),
        columns,
        (row, target) -> {
          for (int i = 0; i < columns; i++) {
            target[i] = HalfFloat.toFloat(matrices[row / rows][row % rows * columns + i]);
          }
        });
  }

  /**
   * Reads a file.
   *
   * @throws ModelFormatException if it is no calibration, or broken
   */
  public static Calibration read(Path file, FileMapper mapper) {
    try (GgufFile gguf = GgufFile.open(file, mapper)) {
      return read(gguf);
    }
  }

  /** Reads an open file, which the caller closes. */
  public static Calibration read(GgufFile gguf) {
    Metadata keys = gguf.metadata();
    if (!keys.string("general.architecture", "").equals(ARCHITECTURE)) {
      throw wrong(gguf, "is no calibration; make one with: coreinfer calibrate");
    }
    if (keys.integer(KEY + "version") != VERSION) {
      throw wrong(
          gguf,
          "is of version %d, this build reads version %d: calibrate again"
              .formatted(keys.integer(KEY + "version"), VERSION));
    }
    Calibration.Source source =
        new Calibration.Source(
            keys.string(KEY + "model"),
            positive(gguf, "layers"),
            positive(gguf, "neurons"),
            keys.string(KEY + "rule"),
            keys.number(KEY + "alpha"),
            positive(gguf, "documents"),
            positive(gguf, "tokens"));
    requireRule(gguf, source);
    float[][][] roots = new float[positive(gguf, "clusters")][][];
    for (int k = 0; k < roots.length; k++) {
      roots[k] = matrix(gguf, rootsName(k), source.layers(), source.neurons());
      requireRange(gguf, rootsName(k), roots[k], Float.MAX_VALUE);
    }
    Calibration.Budgets budgets = budgets(gguf, source);
    return new Calibration(
        source, positive(gguf, "prior_tokens"), roots, budgets, maps(gguf, source, budgets));
  }

  private static Map<Integer, LinearMap> maps(
      GgufFile gguf, Calibration.Source source, Calibration.Budgets budgets) {
    Map<Integer, LinearMap> maps = new HashMap<>();
    for (long k : gguf.metadata().integers(KEY + "maps")) {
      if (k < 0 || k >= budgets.keeps().size()) {
        throw wrong(
            gguf, KEY + "maps holds " + k + ", expected 0.." + (budgets.keeps().size() - 1));
      }
      maps.put((int) k, map(gguf, (int) k, source.layers()));
    }
    return maps;
  }

  private static LinearMap map(GgufFile gguf, int k, int layers) {
    int dim = gguf.tensor(mapName(k, "constant")).columns();
    int rank = gguf.tensor(mapName(k, "out")).columns();
    return new LinearMap(
        rank,
        halves(gguf, mapName(k, "in"), layers, rank, dim),
        halves(gguf, mapName(k, "out"), layers, dim, rank),
        finite(gguf, mapName(k, "constant"), layers, dim));
  }

  private static short[][] halves(GgufFile gguf, String name, int layers, int rows, int columns) {
    float[][] values = finite(gguf, name, Math.multiplyExact(layers, rows), columns);
    short[][] halves = new short[layers][Math.multiplyExact(rows, columns)];
    for (int row = 0; row < values.length; row++) {
      for (int i = 0; i < columns; i++) {
        halves[row / rows][row % rows * columns + i] = HalfFloat.fromFloat(values[row][i]);
      }
    }
    return halves;
  }

  private static float[][] finite(GgufFile gguf, String name, int rows, int columns) {
    float[][] values = matrix(gguf, name, rows, columns);
    for (float[] row : values) {
      for (float value : row) {
        if (!Float.isFinite(value)) {
          throw wrong(gguf, name + " holds " + value);
        }
      }
    }
    return values;
  }

  private static String mapName(int k, String part) {
    return "map." + k + "." + part;
  }

  private static Calibration.Budgets budgets(GgufFile gguf, Calibration.Source source) {
    double[] keeps = gguf.metadata().numbers(KEY + "keeps");
    double[] divergence = gguf.metadata().numbers(KEY + "divergence");
    if (keeps.length < 2 || divergence.length != keeps.length) {
      throw wrong(gguf, "has %d keeps, %d divergences".formatted(keeps.length, divergence.length));
    }
    for (int i = 0; i < keeps.length; i++) {
      boolean isAscending = keeps[i] > (i == 0 ? 0 : keeps[i - 1]);
      if (!isAscending || !(divergence[i] >= 0 && divergence[i] < Double.POSITIVE_INFINITY)) {
        throw wrong(gguf, "keep " + keeps[i] + ", divergence " + divergence[i] + ": out of range");
      }
    }
    if (keeps[keeps.length - 1] != 1) {
      throw wrong(gguf, "the last keep is " + keeps[keeps.length - 1] + ", expected 1");
    }
    float[][] shares = matrix(gguf, "budgets.shares", keeps.length, source.layers());
    requireRange(gguf, "budgets.shares", shares, 1);
    return new Calibration.Budgets(
        Arrays.stream(keeps).boxed().toList(), shares, Arrays.stream(divergence).boxed().toList());
  }

  private static void requireRule(GgufFile gguf, Calibration.Source source) {
    try {
      Rules.addable(source.rule(), source.alpha());
    } catch (IllegalArgumentException e) {
      throw new ModelFormatException(gguf.name() + ": " + e.getMessage(), e);
    }
  }

  private static int positive(GgufFile gguf, String key) {
    int value = gguf.metadata().integer(KEY + key);
    if (value < 1) {
      throw wrong(gguf, KEY + key + "=" + value + ": expected 1 or more");
    }
    return value;
  }

  private static float[][] matrix(GgufFile gguf, String name, int rows, int columns) {
    Tensor tensor = gguf.tensor(name);
    if (tensor.rows() != rows || tensor.columns() != columns) {
      throw wrong(
          gguf,
          "%s is (%d, %d), expected (%d, %d)"
              .formatted(name, tensor.rows(), tensor.columns(), rows, columns));
    }
    if (tensor.dtype() != DType.F32
        && tensor.dtype() != DType.F16
        && tensor.dtype() != DType.BF16) {
      throw wrong(gguf, name + " is " + tensor.dtype() + ", expected F32, F16 or BF16");
    }
    float[][] values = new float[rows][columns];
    int rowBytes = Math.toIntExact(tensor.dtype().bytes(columns));
    for (int row = 0; row < rows; row++) {
      ByteBuffer bytes = tensor.memory().buffer((long) row * rowBytes, rowBytes);
      RowCodec.decode(tensor.dtype(), bytes, values[row]);
    }
    return values;
  }

  private static void requireRange(GgufFile gguf, String name, float[][] values, float most) {
    for (float[] row : values) {
      for (float value : row) {
        if (!(value >= 0 && value <= most)) {
          throw wrong(gguf, name + " holds " + value + ", expected 0 to " + most);
        }
      }
    }
  }

  private static String rootsName(int cluster) {
    return "cluster." + cluster + ".roots";
  }

  private static float[] floats(List<Double> values) {
    List<Double> copy = new ArrayList<>(values);
    float[] floats = new float[copy.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = copy.get(i).floatValue();
    }
    return floats;
  }

  private static ModelFormatException wrong(GgufFile gguf, String what) {
    return new ModelFormatException(gguf.name() + ": " + what);
  }
}
