package org.coreinfer;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;

/**
 * A random model on one backend, and sequences of it that have read a prompt: for tests of core
 * neurons that are renewed while tokens are decoded.
 */
abstract class RefreshFixture {
  static final Decoder.Monitor UNHEARD = fraction -> {};

  /** Tokens of {@link RandomModel}, whose neurons differ from token to token. */
  static final int[] PROMPT = {1, 7, 30, 20, 12, 90};

  /** Two refreshes at every third, and a token after them. */
  static final int[] NEXT = {44, 9, 71, 3, 18, 52, 27};

  final TestBackend where;

  /** Of the backend whose turn it is. */
  @SuppressWarnings("NullAway.Init")
  static Model model;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  static Path folder;

  /** What that backend decodes, by options. */
  private static final Map<CoreOptions, float[][]> DECODED = new HashMap<>();

  RefreshFixture(TestBackend where) {
    this.where = where;
  }

  @BeforeParameterizedClassInvocation
  static void load(TestBackend where) {
    DECODED.clear();
    Path file = RandomModel.write(folder, DType.F16);
    model = TestModels.on(where, Model.builder(file)).contextLength(64).load();
  }

  @AfterParameterizedClassInvocation
  static void close() {
    if (model != null) { // else the backend is not here
      model.close();
    }
  }

  static CoreOptions core(double keep, int refresh) {
    return CoreOptions.stability(keep).withUpkeep(Upkeep.refreshing(refresh));
  }

  /** Refreshes at every third token, without and with the mean of what is left out. */
  static List<CoreOptions> everyThird() {
    return List.of(core(0.2, 3), core(0.2, 3).withUpkeep(new Upkeep(3, true, false)));
  }

  interface Work {
    void with(Sequence sequence);
  }

  /** Works on a sequence that has read the prompt. */
  static void afterPrompt(Model of, CoreOptions options, Work work) {
    Decoder decoder = of.decoder();
    try (Sequence sequence = new Sequence(decoder, options, 64, DType.F32)) {
      sequence.prefill(PROMPT, UNHEARD);
      work.with(sequence);
    }
  }

  void afterPrompt(CoreOptions options, Work work) {
    afterPrompt(model, options, work);
  }

  static float[] copy(Logits logits) {
    FloatBuffer view = logits.read();
    float[] copy = new float[view.limit()];
    view.get(copy);
    return copy;
  }

  static float[][] decode(Sequence sequence, int first, int end) {
    float[][] logits = new float[end - first][];
    for (int i = first; i < end; i++) {
      logits[i - first] = decode(sequence, NEXT[i]);
    }
    return logits;
  }

  static float[] decode(Sequence sequence, int token) {
    sequence.accept(token);
    return copy(sequence.decode());
  }

  /** The logits after the prompt and each of {@link #NEXT}, computed once for all tests. */
  float[][] decodeAll(CoreOptions options) {
    return DECODED.computeIfAbsent(
        options,
        each -> {
          float[][][] logits = new float[1][][];
          afterPrompt(each, sequence -> logits[0] = decode(sequence, 0, NEXT.length));
          return logits[0];
        });
  }
}
