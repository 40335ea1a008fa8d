package org.coreinfer.core;

import java.util.Arrays;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.NeuronSet;
import org.jspecify.annotations.Nullable;

/** Chooses the neurons with the highest scores. */
public final class CoreNeurons {
  private CoreNeurons() {}

  /** The set that decoding uses after these scores; the caller closes it. */
  public static NeuronSet select(Decoder decoder, NeuronScores scores) {
    CoreOptions options = scores.options();
    Rule rule = scores.rule();
    int neurons = decoder.config().neurons();
    int count = rule.count(options.keep(), neurons);
    int[] @Nullable [] ids = new int[decoder.config().layers()][];
    for (int layer = 0; layer < ids.length; layer++) {
      if (options.isSparse(layer) && count < neurons) {
        float[] layerScores = scores.scores(layer);
        rule.finish(decoder.backend(), decoder.ffnLayers().get(layer), layerScores);
        ids[layer] = highest(layerScores, count, rule.choosesOnlySeen());
      }
    }
    return NeuronSet.of(decoder.backend(), decoder.config(), ids);
  }

  /**
   * The numbers, ascending, of the {@code count} highest scores; of equal scores the lower numbers.
   *
   * @param onlySeen whether neurons without a positive score are left out, down to one neuron
   */
  public static int[] highest(float[] scores, int count, boolean onlySeen) {
    long[] order = new long[scores.length];
    for (int i = 0; i < scores.length; i++) {
      // Descending score, then ascending number, as one ascending long. A broken model's NaN counts
      // as 0.
      int bits = scores[i] > 0 ? Float.floatToIntBits(scores[i]) : 0;
      int descending = Integer.MAX_VALUE - bits;
      order[i] = ((long) descending << 32) | i;
    }
    Arrays.sort(order);
    int chosen = Math.min(count, scores.length);
    while (onlySeen && chosen > 1 && !(scores[(int) order[chosen - 1]] > 0)) {
      chosen--;
    }
    int[] ids = new int[chosen];
    for (int i = 0; i < chosen; i++) {
      ids[i] = (int) order[i];
    }
    Arrays.sort(ids);
    return ids;
  }
}
