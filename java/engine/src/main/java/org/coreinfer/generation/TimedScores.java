package org.coreinfer.generation;

import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Stopwatch;
import org.coreinfer.core.NeuronScores;
import org.coreinfer.model.ActivationListener;
import org.coreinfer.tensor.NativeMemory;

/**
 * Scores a piece of a prompt, and takes the time.
 *
 * @param chooses whether it is the last piece, after which neurons are chosen
 */
record TimedScores(NeuronScores scores, Stopwatch stopwatch, boolean chooses)
    implements ActivationListener {
  @Override
  public void enter(int layer, NativeMemory x, int tokens) {
    scores.enter(layer, x, tokens);
  }

  @Override
  public void observe(int layer, FfnWeights ffn, NativeMemory activations, int tokens) {
    stopwatch.start();
    scores.observe(layer, ffn, activations, tokens);
    stopwatch.stop();
  }

  @Override
  public boolean needsWholePrompt() {
    return scores.needsWholePrompt();
  }

  @Override
  public int choose(int layer, FfnWeights ffn, NativeMemory coreIds, NativeMemory core) {
    if (!chooses) {
      return 0;
    }
    stopwatch.start();
    int most = scores.choose(layer, ffn, coreIds, core);
    stopwatch.stop();
    return most;
  }
}
