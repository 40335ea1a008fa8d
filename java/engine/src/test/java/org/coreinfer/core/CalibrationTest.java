package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.coreinfer.TestData;
import org.coreinfer.backend.Host;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.family.Families;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What decoding is told by budgets that were made by hand. */
class CalibrationTest {
  private static final double TOLERANCE = 1e-6;
  private static final int NEURONS = 8;

  /** Two layers; at keep 0.25, 0.5 and 1 the first one has 0.125, 0.375 and 1. */
  private static Calibration calibration() {
    return PlantedCalibration.withShares(
        PlantedCalibration.of(PlantedCalibration.halves(2, NEURONS)),
        new float[][] {{0.125f, 0.375f}, {0.375f, 0.625f}, {1, 1}});
  }

  @ParameterizedTest
  @CsvSource({
    "0.25, 0.125, 0.375",
    "0.5, 0.375, 0.625",
    "1, 1, 1",
    "0.375, 0.25, 0.5",
    "0.75, 0.6875, 0.8125",
    "0.125, 0.0625, 0.1875",
    "0.01, 0.005, 0.015"
  })
  void sharesAreInterpolatedAndShrinkBelowTheFirstKeep(double keep, double first, double second) {
    assertEquals(first, calibration().share(0, keep), TOLERANCE);
    assertEquals(second, calibration().share(1, keep), TOLERANCE);
    assertEquals(keep, (first + second) / 2, TOLERANCE);
  }

  @ParameterizedTest
  @CsvSource({
    "0.25, 0.5",
    "0.375, 0.3125",
    "0.5, 0.125",
    "0.75, 0.0625",
    "1, 0",
    "0.1, 0.5",
  })
  void divergencesAreInterpolatedAndUnknownBelowTheFirstKeep(double keep, double divergence) {
    assertEquals(divergence, calibration().divergenceAt(keep), TOLERANCE);
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, 0.25",
    "7, 0.25",
    "0.3125, 0.375",
    "0.125, 0.5",
    "0.0625, 0.75",
    "0.000001, 0.999996"
  })
  void theKeepForADivergenceIsTheSmallestThatStaysBelowIt(double most, double keep) {
    assertEquals(keep, calibration().keepFor(most), TOLERANCE);
  }

  @Test
  void theKeepForADivergenceIsAbovePartsOfTheCurveThatExceedIt() {
    Calibration uneven = calibration().withDivergence(List.of(0.05, 0.4, 0.0));
    assertEquals(0.875, uneven.keepFor(0.1), TOLERANCE);
    assertEquals(1, calibration().withDivergence(List.of(0.5, 0.5, 0.5)).keepFor(0.1), 0);
    assertEquals(0.25, calibration().withDivergence(List.of(0.0, 0.0, 0.0)).keepFor(0.1), 0);
  }

  @Test
  void keepForAndDivergenceAtAgree() {
    Calibration calibration = calibration();
    for (double most = 0.01; most < 0.5; most += 0.01) {
      assertEquals(most, calibration.divergenceAt(calibration.keepFor(most)), TOLERANCE);
    }
  }

  @Test
  void theMapOfTheNextHigherKeepStandsForWhatIsLeftOut() {
    LinearMap first = PlantedCalibration.map(2, 2, 4, 1);
    LinearMap second = PlantedCalibration.map(2, 2, 4, 2);
    Calibration calibration = calibration().withMaps(Map.of(0, first, 1, second));
    assertSame(first, calibration.mapFor(0.1));
    assertSame(first, calibration.mapFor(0.25));
    assertSame(second, calibration.mapFor(0.3));
    assertSame(second, calibration.mapFor(0.5));
    assertNull(calibration.mapFor(0.51));
    assertNull(calibration.mapFor(1));
    assertNull(calibration().mapFor(0.25));
  }

  @Test
  void aMapOutlivesTheRoundingOfItsKeepInAFile() {
    for (double keep = 0.05; keep < 1; keep += 0.05) {
      LinearMap map = PlantedCalibration.map(1, 2, 4, 3);
      Calibration calibration =
          new Calibration(
              new Calibration.Source("m", 1, NEURONS, "norm", 0.4, 20, 1000),
              32,
              PlantedCalibration.halves(1, NEURONS),
              new Calibration.Budgets(
                  List.of((double) (float) keep, 1.0),
                  new float[][] {{(float) keep}, {1}},
                  List.of(0.1, 0.0)),
              Map.of(0, map));
      assertSame(map, calibration.mapFor(keep), "keep " + keep);
    }
  }

  @Test
  void budgetsHoldWhereAllLayersAreSparse() {
    ModelConfig config = config();
    float[][][] roots = PlantedCalibration.halves(config.layers(), config.neurons());
    Calibration equal = PlantedCalibration.of(roots);
    float[][] shares = new float[3][config.layers()];
    for (int layer = 0; layer < config.layers(); layer++) {
      shares[0][layer] = 0.25f;
      shares[1][layer] = layer == 0 ? 0.75f : 0.5f;
      shares[2][layer] = 1;
    }
    Calibration calibration = PlantedCalibration.withShares(equal, shares);
    CoreOptions auto = CoreOptions.auto(0.5, calibration);
    assertEquals(Math.round(0.75 * config.neurons()), auto.mostChosen(0, config));
    assertEquals(Math.round(0.5 * config.neurons()), auto.mostChosen(1, config));
    CoreOptions first = auto.withLayers(new LayerRange(0, 0));
    assertEquals(Math.round(0.5 * config.neurons()), first.mostChosen(0, config));
    assertEquals(config.neurons(), first.mostChosen(1, config));
    assertEquals(config.neurons(), auto.withKeep(1).mostChosen(0, config));
  }

  @Test
  void defaultsAreDenseUnlessACalibrationAllowsLess() {
    assertEquals(Method.DENSE, CoreOptions.defaults(null).method());
    CoreOptions calibrated = CoreOptions.defaults(calibration());
    assertEquals(Method.AUTO, calibrated.method());
    assertEquals(calibration().keepFor(CoreOptions.DEFAULT_MAX_KL), calibrated.keep(), TOLERANCE);
    Calibration poor = calibration().withDivergence(List.of(3.0, 2.0, 1.0));
    assertEquals(Method.DENSE, CoreOptions.defaults(poor).method());
    assertEquals(0.25, CoreOptions.within(1, calibration()).keep(), TOLERANCE);
    for (double bad : new double[] {0, -1, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> CoreOptions.within(bad, calibration()));
    }
  }

  @Test
  void optionsTakeRuleAndMapsFromTheCalibration() {
    Calibration norm =
        PlantedCalibration.of(PlantedCalibration.halves(2, NEURONS), "norm", 32)
            .withMaps(Map.of(0, PlantedCalibration.map(2, 2, 4, 1)));
    CoreOptions low = CoreOptions.auto(0.25, norm);
    assertEquals("norm", low.rule());
    assertEquals(0.5, low.alpha());
    assertTrue(low.upkeep().compensates());
    assertFalse(CoreOptions.similarity(0.5, norm).upkeep().compensates());
    assertThrows(IllegalArgumentException.class, () -> low.withRule("paper"));
    assertThrows(IllegalArgumentException.class, () -> low.withCalibration(null));
    assertThrows(
        IllegalArgumentException.class, () -> CoreOptions.stability(0.5).withMethod(Method.AUTO));
    assertEquals("paper", low.withMethod(Method.STABILITY).withRule("paper").rule());
    assertThrows(IllegalArgumentException.class, () -> new Upkeep(-2, false, false));
  }

  @Test
  void refusesModelsOfAnotherShape() {
    ModelConfig config = config();
    float[][][] roots = PlantedCalibration.halves(config.layers(), config.neurons());
    Calibration fits = PlantedCalibration.of(roots);
    CoreOptions.auto(0.5, fits).requireSuits(config);
    refuses(fits.withMaps(Map.of(0, PlantedCalibration.map(config.layers(), 2, 4, 1))), config);
    refuses(PlantedCalibration.of(PlantedCalibration.halves(1, config.neurons())), config);
    refuses(PlantedCalibration.of(PlantedCalibration.halves(config.layers(), 4)), config);
  }

  private static void refuses(Calibration calibration, ModelConfig config) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> CoreOptions.stability(0.5).withCalibration(calibration).requireSuits(config));
    assertTrue(String.valueOf(e.getMessage()).contains("planted"), e.getMessage());
  }

  private static ModelConfig config() {
    try (WeightFile file = WeightFile.open(TestData.file("families/llama-silu"), Host::map)) {
      return new ModelLoader(file, Families.of(file)).config();
    }
  }
}
