package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.coreinfer.Calibrations;
import org.coreinfer.TestData;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.weights.GgufWriter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationFileTest {
  private static final int LAYERS = 2;
  private static final int NEURONS = 32;
  private static final int DIM = 16;
  private static final int RANK = 4;

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void nameFile() {
    file = folder.resolve("model.gguf.calibration");
  }

  private static Calibration calibration() {
    Calibration plain =
        PlantedCalibration.withShares(
            PlantedCalibration.of(PlantedCalibration.halves(LAYERS, NEURONS)),
            new float[][] {{0.125f, 0.375f}, {0.4f, 0.6f}, {1, 1}});
    return plain.withMaps(
        Map.of(
            0, PlantedCalibration.map(LAYERS, RANK, DIM, 1),
            1, PlantedCalibration.map(LAYERS, 2 * RANK, DIM, 2)));
  }

  @Test
  void everythingComesBack() {
    Calibration written = calibration();
    CalibrationFile.write(written, file);
    Calibration read = Calibrations.read(file);
    assertEquals(written.source(), read.source());
    assertEquals(written.priorTokens(), read.priorTokens());
    assertEquals(written.clusters(), read.clusters());
    for (int cluster = 0; cluster < written.clusters(); cluster++) {
      for (int layer = 0; layer < LAYERS; layer++) {
        assertArrayEquals(written.roots(cluster, layer), read.roots(cluster, layer));
      }
    }
    assertEquals(written.budgets().keeps(), read.budgets().keeps());
    assertEquals(written.budgets().divergence(), read.budgets().divergence());
    assertTrue(Arrays.deepEquals(written.budgets().shares(), read.budgets().shares()));
    assertEquals(written.maps().keySet(), read.maps().keySet());
    written
        .maps()
        .forEach((k, map) -> assertSameMap(map, Objects.requireNonNull(read.maps().get(k))));
  }

  private static void assertSameMap(LinearMap expected, LinearMap found) {
    assertEquals(expected.rank(), found.rank());
    assertTrue(Arrays.deepEquals(expected.in(), found.in()));
    assertTrue(Arrays.deepEquals(expected.out(), found.out()));
    assertTrue(Arrays.deepEquals(expected.constant(), found.constant()));
  }

  @Test
  void withoutMapsTooAndInPlaceOfAnOldFile() throws IOException {
    CalibrationFile.write(calibration(), file);
    CalibrationFile.write(calibration().withMaps(Map.of()), file);
    assertTrue(Calibrations.read(file).maps().isEmpty());
    try (var files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void theSameCalibrationIsTheSameBytes() throws IOException {
    Path other = folder.resolve("other");
    CalibrationFile.write(calibration(), file);
    CalibrationFile.write(Calibrations.read(file), other);
    assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(other));
  }

  @Test
  void liesBesideItsModel() throws IOException {
    Path model = Files.createFile(folder.resolve("model.gguf"));
    assertNull(Calibrations.of(model));
    CalibrationFile.write(calibration(), file);
    assertEquals(file, Calibrations.besides(model));
    Calibration found = Calibrations.of(model);
    assertEquals(calibration().source(), found == null ? null : found.source());
    assertEquals(folder.resolve("coreinfer.calibration"), Calibrations.besides(folder));
    assertNull(Calibrations.of(folder));
  }

  // ---- broken files ----

  @Test
  void everyTruncationIsRefused() throws IOException {
    CalibrationFile.write(calibration(), file);
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length - 32; length += length < 2000 ? 7 : 61) {
      Files.write(file, Arrays.copyOf(whole, length));
      refusal();
    }
  }

  @Test
  void changedBytesAreReadOrRefusedButNothingElse() throws IOException {
    CalibrationFile.write(calibration(), file);
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i += i < 2000 ? 3 : 101) {
      byte[] changed = whole.clone();
      changed[i] ^= (byte) 0xff;
      Files.write(file, changed);
      try {
        Calibrations.read(file);
      } catch (ModelFormatException e) {
        assertTrue(String.valueOf(e.getMessage()).contains("calibration"), e.getMessage());
      }
    }
  }

  @Test
  void aModelIsNoCalibration() {
    CoreInferException e =
        assertThrows(
            ModelFormatException.class,
            () -> Calibrations.read(TestData.file("embedded/embedded.gguf")));
    assertTrue(String.valueOf(e.getMessage()).contains("embedded.gguf"), e.getMessage());
    assertTrue(String.valueOf(e.getMessage()).contains("is no calibration"), e.getMessage());
  }

  @Test
  void anotherVersionIsToldWhatToDo() {
    Fields fields = new Fields();
    fields.version = 2;
    fields.write(file);
    assertTrue(refusal().contains("version 2"), refusal());
    assertTrue(refusal().contains("calibrate again"), refusal());
  }

  @Test
  void handMadeFilesAreReadSoThatTheFollowingRefusalsHaveOneReason() {
    new Fields().write(file);
    assertEquals(1, Calibrations.read(file).maps().size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"best", "", "Norm", "reference"})
  void rulesThatNoCalibrationCanHaveAreRefused(String rule) {
    Fields fields = new Fields();
    fields.rule = rule;
    fields.write(file);
    assertTrue(refusal().contains("rule"), refusal());
  }

  @ParameterizedTest
  @CsvSource({
    "layers,0",
    "layers,3",
    "neurons,0",
    "neurons,31",
    "clusters,0",
    "clusters,2",
    "clusters,1000000",
    "layers,2000000000",
    "prior_tokens,0",
    "documents,0",
    "tokens,0"
  })
  void countsThatDoNotFitAreRefused(String key, int value) {
    Fields fields = new Fields();
    fields.counts.put(key, value);
    fields.write(file);
    String refusal = refusal();
    assertTrue(refusal.contains(key) || refusal.contains("roots"), refusal);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, -0.5f, Float.POSITIVE_INFINITY})
  void rootsAndMapsThatAreNoNumbersAreRefused(float value) {
    Fields roots = new Fields();
    roots.root = value;
    roots.write(file);
    assertTrue(refusal().contains("cluster.0.roots"), refusal());
    Fields map = new Fields();
    map.mapValue = value < 0 ? Float.NEGATIVE_INFINITY : value;
    map.write(file);
    assertTrue(refusal().contains("map.0.in"), refusal());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"0.5 0.25 1", "0 0.5 1", "0.5 0.5 1", "-1 0.5 1", "NaN 0.5 1", "1", "0.5 1"})
  void keepsThatDoNotAscendToOneAreRefused(String keeps) {
    Fields fields = new Fields();
    fields.keeps = numbers(keeps);
    fields.write(file);
    assertTrue(refusal().contains("keep"), refusal());
  }

  @Test
  void theLastKeepIsOne() {
    Fields fields = new Fields();
    fields.keeps = numbers("0.25 0.5 0.75");
    fields.write(file);
    assertTrue(refusal().contains("expected 1"), refusal());
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN 0 0", "-1 0 0", "Infinity 0 0", "0 0"})
  void divergencesThatAreNoneAreRefused(String divergence) {
    Fields fields = new Fields();
    fields.divergence = numbers(divergence);
    fields.write(file);
    assertTrue(refusal().contains("divergence"), refusal());
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.1f, 1.5f, Float.NaN})
  void sharesOutOfRangeAreRefused(float share) {
    Fields fields = new Fields();
    fields.share = share;
    fields.write(file);
    assertTrue(refusal().contains("budgets.shares"), refusal());
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 3, 7})
  void mapsOfNoKeepAreRefused(int index) {
    Fields fields = new Fields();
    fields.map = index;
    fields.write(file);
    assertTrue(refusal().contains("calibration.maps"), refusal());
  }

  @Test
  void mapsOfOtherShapesAreRefused() {
    Fields rows = new Fields();
    rows.mapRows = LAYERS * RANK + 1;
    rows.write(file);
    assertTrue(refusal().contains("map.0.in"), refusal());
    Fields columns = new Fields();
    columns.mapColumns = DIM + 16;
    columns.write(file);
    assertTrue(refusal().contains("map.0.in"), refusal());
  }

  private static float[] numbers(String text) {
    List<Float> values = Arrays.stream(text.split(" ")).map(Float::valueOf).toList();
    float[] numbers = new float[values.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = values.get(i);
    }
    return numbers;
  }

  /** The sentence with which the file is refused, which names it. */
  private String refusal() {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> Calibrations.read(file));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(String.valueOf(file.getFileName())), message);
    return message;
  }

  /** Writes what {@link CalibrationFile} never would. */
  private static final class Fields {
    int version = 1;
    String rule = "norm";
    final Map<String, Integer> counts =
        new TreeMap<>(
            Map.of(
                "layers", LAYERS,
                "neurons", NEURONS,
                "documents", 20,
                "tokens", 1000,
                "prior_tokens", 64,
                "clusters", 1));
    float root = 0.5f;
    float share = 0.5f;
    float[] keeps = {0.25f, 0.5f, 1};
    float[] divergence = {0.5f, 0.25f, 0};
    int map;
    float mapValue = 0.5f;
    int mapRows = LAYERS * RANK;
    int mapColumns = DIM;

    void write(Path file) {
      GgufWriter writer = new GgufWriter();
      writer.string("general.architecture", CalibrationFile.ARCHITECTURE);
      writer.integer("calibration.version", version);
      writer.string("calibration.model", "m");
      writer.string("calibration.rule", rule);
      writer.number("calibration.alpha", 0.5f);
      counts.forEach((key, value) -> writer.integer("calibration." + key, value));
      writer.numbers("calibration.keeps", keeps);
      writer.numbers("calibration.divergence", divergence);
      writer.integers("calibration.maps", new int[] {map});
      writer.tensor("cluster.0.roots", DType.BF16, LAYERS, NEURONS, filled(root));
      writer.tensor("budgets.shares", DType.F32, 3, LAYERS, filled(share));
      writer.tensor("map.0.in", DType.F16, mapRows, mapColumns, filled(mapValue));
      writer.tensor("map.0.out", DType.F16, LAYERS * DIM, RANK, filled(0.5f));
      writer.tensor("map.0.constant", DType.F32, LAYERS, DIM, filled(0.5f));
      writer.write(file, (written, total) -> {});
    }

    private static RowSource filled(float value) {
      return (row, target) -> Arrays.fill(target, value);
    }
  }
}
