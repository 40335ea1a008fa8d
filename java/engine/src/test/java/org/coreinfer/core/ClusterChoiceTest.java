package org.coreinfer.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.DecoderState;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.model.ModelLoader;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.RowSource;
import org.coreinfer.tensor.Tensor;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The methods that know clusters, with calibrations whose clusters are planted. */
class ClusterChoiceTest {
  private static final int[] PROMPT = {5, 9, 17, 3};
  private static final int[] OTHER_PROMPT = {60, 71, 88, 95, 90};
  private static final double KEEP = 0.5;

  /** Calls {@code test} with a decoder. */
  private interface Work {
    void with(Decoder decoder);
  }

  private static void withDecoder(TestBackend where, Work work) {
    try (WeightFile file = WeightFile.open(TestData.file("families/llama-silu"), Host::map);
        Backend backend = where.open();
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, 64, fraction -> {})) {
      work.with(decoder);
    }
  }

  /** What a prompt chose: its own scores (layers, neurons), the neurons and the cluster. */
  private record Choice(float[][] scores, NeuronSet chosen, int cluster) {}

  private static Choice choice(Decoder decoder, int[] prompt, CoreOptions options) {
    try (DecoderState state = decoder.newState(64, 16, DType.F32);
        NeuronScores scores = new NeuronScores(decoder, state.queue(), options)) {
      decoder.prefill(state, prompt, 16, scores, null, fraction -> {});
      float[][] own = new float[decoder.config().layers()][];
      Arrays.setAll(own, scores::scores);
      return new Choice(own, scores.chosen(state), scores.cluster());
    }
  }

  /** Two clusters of low and high neurons, whose scores of a token add up to 1. */
  private static Calibration halves(ModelConfig config, int priorTokens) {
    float[][][] roots = PlantedCalibration.halves(config.layers(), config.neurons());
    for (float[][] cluster : roots) {
      for (float[] layer : cluster) {
        double sum = 0;
        for (float root : layer) {
          sum += root * root;
        }
        for (int i = 0; i < layer.length; i++) {
          layer[i] /= (float) Math.sqrt(sum);
        }
      }
    }
    return PlantedCalibration.of(roots, "norm", priorTokens);
  }

  /** The numbers of the highest values, ascending; of equals the lower. */
  private static int[] highest(float[] values, int count) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparing((Integer i) -> -values[i]))
        .limit(count)
        .mapToInt(i -> i)
        .sorted()
        .toArray();
  }

  @ParameterizedTest
  @EnumSource
  void similarityChoosesTheNeuronsOfTheCluster(TestBackend where) {
    withDecoder(
        where,
        decoder -> {
          ModelConfig config = decoder.config();
          Calibration calibration = halves(config, 32);
          Choice choice = choice(decoder, PROMPT, CoreOptions.similarity(KEEP, calibration));
          int half = config.neurons() / 2;
          int first = choice.cluster() == 0 ? 0 : half;
          for (int layer = 0; layer < config.layers(); layer++) {
            assertArrayEquals(
                IntStream.range(first, first + half).toArray(), choice.chosen().ids(layer));
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void theClusterIsTheOneThatWasMadeOfThePrompt(TestBackend where) {
    withDecoder(
        where,
        decoder -> {
          CoreOptions own = CoreOptions.stability(KEEP).withRule("norm");
          float[][][] roots = {
            roots(choice(decoder, OTHER_PROMPT, own)), roots(choice(decoder, PROMPT, own))
          };
          Calibration calibration = PlantedCalibration.of(roots, "norm", 32);
          CoreOptions similar = CoreOptions.similarity(KEEP, calibration);
          assertEquals(1, choice(decoder, PROMPT, similar).cluster());
          assertEquals(0, choice(decoder, OTHER_PROMPT, similar).cluster());
          assertEquals(1, choice(decoder, PROMPT, CoreOptions.auto(KEEP, calibration)).cluster());
          assertEquals(-1, choice(decoder, PROMPT, own).cluster());
        });
  }

  private static float[][] roots(Choice choice) {
    float[][] roots = new float[choice.scores().length][];
    for (int layer = 0; layer < roots.length; layer++) {
      roots[layer] = choice.scores()[layer].clone();
      for (int i = 0; i < roots[layer].length; i++) {
        roots[layer][i] = (float) Math.sqrt(roots[layer][i]);
      }
    }
    return roots;
  }

  @ParameterizedTest
  @EnumSource
  void autoAddsTheClusterAsSoManyTokens(TestBackend where) {
    withDecoder(
        where,
        decoder -> {
          ModelConfig config = decoder.config();
          for (int priorTokens : new int[] {1, 8, 100000}) {
            Calibration calibration = halves(config, priorTokens);
            Choice auto = choice(decoder, PROMPT, CoreOptions.auto(KEEP, calibration));
            for (int layer = 0; layer < config.layers(); layer++) {
              float[] fused = auto.scores()[layer].clone();
              float[] cluster = calibration.roots(auto.cluster(), layer);
              for (int i = 0; i < fused.length; i++) {
                fused[i] += priorTokens * cluster[i] * cluster[i];
              }
              assertArrayEquals(
                  highest(fused, config.neurons() / 2),
                  auto.chosen().ids(layer),
                  "layer " + layer + " with " + priorTokens);
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void aShortPromptIsItsClusterAndALongOneItself(TestBackend where) {
    withDecoder(
        where,
        decoder -> {
          Calibration calibration = halves(decoder.config(), 4);
          int ofTwo = ownNeurons(decoder, calibration, 2);
          int ofMany = ownNeurons(decoder, calibration, 60);
          assertTrue(ofTwo < ofMany, ofTwo + " and " + ofMany);
          int all = decoder.config().layers() * decoder.config().neurons() / 2;
          assertTrue(ofMany > 0.75 * all, ofMany + " of " + all);
        });
  }

  /** How many neurons auto and stability have in common after a prompt of so many tokens. */
  private static int ownNeurons(Decoder decoder, Calibration calibration, int tokens) {
    int[] prompt = new int[tokens];
    Arrays.setAll(prompt, i -> 1 + 7 * i % 50);
    NeuronSet auto = choice(decoder, prompt, CoreOptions.auto(KEEP, calibration)).chosen();
    CoreOptions own = CoreOptions.stability(KEEP).withRule("norm");
    NeuronSet stability = choice(decoder, prompt, own).chosen();
    int common = 0;
    for (int layer = 0; layer < auto.layers(); layer++) {
      int[] ids = stability.ids(layer);
      common +=
          (int)
              Arrays.stream(auto.ids(layer)).filter(i -> Arrays.binarySearch(ids, i) >= 0).count();
    }
    return common;
  }

  @ParameterizedTest
  @EnumSource
  void aRangeOfLayersHasTheKeepAndAllLayersTellTheCluster(TestBackend where) {
    withDecoder(
        where,
        decoder -> {
          ModelConfig config = decoder.config();
          float[][] shares = new float[3][config.layers()];
          Arrays.fill(shares[0], 0.25f);
          Arrays.fill(shares[1], 0.75f);
          Arrays.fill(shares[2], 1);
          Calibration calibration = PlantedCalibration.withShares(halves(config, 16), shares);
          CoreOptions everywhere = CoreOptions.auto(KEEP, calibration);
          Choice all = choice(decoder, PROMPT, everywhere);
          Choice one =
              choice(decoder, PROMPT, everywhere.withLayers(new CoreOptions.LayerRange(1, 1)));
          assertEquals(75, all.chosen().count(1));
          assertEquals(100, one.chosen().count(0));
          assertEquals(50, one.chosen().count(1));
          assertEquals(100, one.chosen().count(2));
          assertEquals(all.cluster(), one.cluster());
        });
  }

  @ParameterizedTest
  @EnumSource
  void theRelativeRuleWeighsScoresWithDownRows(TestBackend where) {
    withDecoder(
        where,
        decoder -> {
          Choice choice = choice(decoder, PROMPT, CoreOptions.stability(KEEP));
          for (int layer = 0; layer < decoder.config().layers(); layer++) {
            float[] ranked = choice.scores()[layer].clone();
            double sum = 0;
            for (float score : ranked) {
              sum += score;
            }
            assertEquals(PROMPT.length, sum, 1e-4, "each token's scores add up to 1");
            double[] squares = squaredDownRows(layer);
            for (int i = 0; i < ranked.length; i++) {
              ranked[i] *= (float) squares[i];
            }
            assertArrayEquals(highest(ranked, 50), choice.chosen().ids(layer));
          }
        });
  }

  /** (neurons) of a layer, from the file. */
  private static double[] squaredDownRows(int layer) {
    try (WeightFile file = WeightFile.open(TestData.file("families/llama-silu"), Host::map)) {
      Tensor down = file.tensor("model.layers.%d.mlp.down_proj.weight".formatted(layer));
      double[] squares = new double[down.columns()];
      float[] values = new float[down.columns()];
      for (int i = 0; i < down.rows(); i++) {
        RowSource.of(down).read(i, values);
        for (int neuron = 0; neuron < values.length; neuron++) {
          squares[neuron] += (double) values[neuron] * values[neuron];
        }
      }
      return squares;
    }
  }
}
