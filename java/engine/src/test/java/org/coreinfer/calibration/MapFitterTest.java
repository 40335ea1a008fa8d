package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.LinearMap;
import org.coreinfer.core.PlantedCalibration;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;

class MapFitterTest {
  private static final int RANK = 4;

  @Test
  void layersThatLeaveNothingOutGetAMapOfNothing() {
    try (WeightFile file = WeightFile.open(TestData.file("families/llama-silu"), Host::map);
        Backend backend = Host.cpu(2);
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {})) {
      ModelConfig config = decoder.config();
      int dense = config.layers() - 1;
      Calibration calibration = calibration(config, dense);
      List<LinearMap> maps = fit(decoder, CoreOptions.auto(0.5, calibration));
      assertEquals(1, maps.size());
      LinearMap map = maps.get(0);
      assertArrayEquals(new float[config.dim()], map.constant()[dense]);
      assertArrayEquals(new short[config.dim() * RANK], magnitudes(map.out()[dense]));
      assertFalse(Arrays.equals(new float[config.dim()], map.constant()[0]));
      assertFalse(Arrays.equals(new short[config.dim() * RANK], magnitudes(map.out()[0])));
    }
  }

  @Test
  void theSameDocumentsGiveTheSameMaps() {
    try (WeightFile file = WeightFile.open(TestData.file("families/opt-f16"), Host::map);
        Backend backend = Host.cpu(2);
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 32, fraction -> {})) {
      CoreOptions options = CoreOptions.stability(0.5);
      LinearMap first = fit(decoder, options).get(0);
      LinearMap second = fit(decoder, options).get(0);
      assertTrue(Arrays.deepEquals(first.in(), second.in()));
      assertTrue(Arrays.deepEquals(first.out(), second.out()));
      assertTrue(Arrays.deepEquals(first.constant(), second.constant()));
    }
  }

  /** All neurons of one layer, half of the others. */
  private static Calibration calibration(ModelConfig config, int dense) {
    Calibration equal =
        PlantedCalibration.of(PlantedCalibration.halves(config.layers(), config.neurons()));
    float[][] shares = equal.budgets().shares();
    shares[1][dense] = 1;
    return PlantedCalibration.withShares(equal, shares);
  }

  private static List<LinearMap> fit(Decoder decoder, CoreOptions options) {
    Random random = new Random(4);
    List<int[]> documents = new ArrayList<>();
    for (int document = 0; document < 12; document++) {
      documents.add(random.ints(24, 0, decoder.config().vocabulary()).toArray());
    }
    try (MapFitter fitter = new MapFitter(decoder, List.of(options), RANK, 24, DType.F32)) {
      return fitter.fit(documents, fraction -> {});
    }
  }

  /** Without signs, as zeros have some. */
  private static short[] magnitudes(short[] halves) {
    short[] magnitudes = new short[halves.length];
    for (int i = 0; i < halves.length; i++) {
      magnitudes[i] = (short) (halves[i] & 0x7fff);
    }
    return magnitudes;
  }
}
