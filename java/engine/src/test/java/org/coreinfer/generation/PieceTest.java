package org.coreinfer.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Prompts that are read in pieces. */
class PieceTest {
  @Test
  void noFewTokensAreLeftForAnotherKernel() {
    for (int tokens = 1; tokens <= 4096; tokens++) {
      int chunk = CoreDecoding.chunk(tokens);
      int left = tokens % chunk;
      assertTrue(chunk <= Sequence.CHUNK && chunk % Sequence.GRAIN == 0);
      assertTrue(
          tokens < Sequence.GRAIN || left == 0 || left >= Sequence.GRAIN, tokens + " tokens");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "63, 64, 63",
    "100, 64, 100",
    "128, 64, 64 128",
    "140, 64, 64 140",
    "200, 100, 64 128 200",
    "260, 128, 128 192 260",
    "330, 256, 256 330",
    "330, 1, 64 128 192 256 330",
    "330, 1000, 330"
  })
  void cutsAreMultiplesThatLeaveEnough(int tokens, int most, String ends) {
    int[] prompt = new Random(1).ints(tokens, 3, 4000).toArray();
    CoreOptions core = CoreOptions.stability(0.4);
    try (Model model =
            Model.embedded().device(ComputeDevice.CPU).contextLength(400).threads(1).load();
        Sequence whole = new Sequence(model.decoder(), core, 400, model.cacheDtype());
        Sequence sequence = new Sequence(model.decoder(), core, 400, model.cacheDtype())) {
      GenerationRequest request =
          GenerationRequest.ofTokens(List.of(1)).maxTokens(8).ignoreEos(true).build();
      Answer wanted = new Answer(whole, request, prompt, 0, setting(model));
      Answer answer = new Answer(sequence, request, prompt, 0, setting(model));
      List<String> found = new ArrayList<>();
      while (answer.isReading()) {
        answer.read(most);
        found.add(Integer.toString(answer.readTokens()));
      }
      assertEquals(ends, String.join(" ", found));
      wanted.read(Integer.MAX_VALUE);
      while (wanted.finishReason() == null) {
        wanted.step();
        answer.step();
      }
      assertEquals(wanted.result().tokens(), answer.result().tokens());
      for (int layer = 0; layer < model.config().layers(); layer++) {
        assertArrayEquals(whole.neurons().ids(layer), sequence.neurons().ids(layer));
      }
    }
  }

  private static Answer.Setting setting(Model model) {
    return new Answer.Setting(
        Set.of(),
        model.tokenizer().newStreamDecoder(false),
        activity -> {},
        progress -> {},
        DrawListener.NONE,
        null);
  }
}
