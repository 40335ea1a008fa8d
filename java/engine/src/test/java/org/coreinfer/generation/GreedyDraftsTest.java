package org.coreinfer.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.Logits;
import org.coreinfer.sampling.Sampler;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Greedy answers of real small models, 8 prompts of each, with drafts whether they pay or not: the
 * tokens of dense decoding.
 */
@Timeout(600)
class GreedyDraftsTest {
  private static final int PROMPTS = 8;
  private static final int TOKENS = 24;
  private static final int CAPACITY = 64;

  /** Beginnings of sentences, of 2 or 17 words. */
  private static List<String> prompts() throws IOException {
    List<String> prompts = new ArrayList<>();
    for (String name : List.of("stories.txt", "wiki.txt", "qa.txt", "code.txt")) {
      String text = Files.readString(TestData.file("embedded/heldout/" + name));
      List<String> words = List.of(text.replace("<|endoftext|>", "").split("\\s+", -1));
      int start = 0;
      for (int i = 0; i < PROMPTS / 4; i++) {
        int length = 2 + (i * 15) % 16;
        prompts.add(String.join(" ", words.subList(start, start + length)));
        start += length + 3;
      }
    }
    return prompts;
  }

  private static int[] dense(Decoder decoder, int[] prompt) {
    try (Sequence sequence = new Sequence(decoder, CoreOptions.dense(), CAPACITY, DType.F16)) {
      Sampler sampler = sequence.newSampler(SamplingOptions.GREEDY);
      Logits logits = sequence.prefill(prompt, fraction -> {});
      int[] answer = new int[TOKENS];
      for (int i = 0; i < TOKENS; i++) {
        answer[i] = sampler.sample(logits);
        sequence.accept(answer[i]);
        logits = sequence.decode();
      }
      return answer;
    }
  }

  private static Drafts check(
      Decoder decoder, int[] prompt, double keep, int length, int[] wanted) {
    CoreOptions options = CoreOptions.stability(keep).withUpkeep(new Upkeep(0, false, true));
    try (Sequence sequence = new Sequence(decoder, options, CAPACITY, DType.F16)) {
      DraftedDecoding decoding =
          new DraftedDecoding(
              sequence,
              sequence.newDraftSampler(SamplingOptions.GREEDY, null),
              new FixedLength(length),
              null,
              token -> false,
              DrawListener.NONE,
              () -> {});
      int[] answer = new int[TOKENS];
      answer[0] = decoding.first(sequence.prefill(prompt, fraction -> {}));
      sequence.accept(answer[0]);
      for (int i = 1; i < TOKENS; i++) {
        answer[i] = decoding.next(TOKENS - i);
        sequence.accept(answer[i]);
      }
      assertArrayEquals(wanted, answer, "keep " + keep + " length " + length);
      return decoding.drafts();
    }
  }

  /**
   * @param first which of 12 pairs of keep fraction and draft length the first prompt has; the next
   *     prompts have the next pairs
   */
  private static void check(Model model, int first) throws IOException {
    Decoder decoder = model.decoder();
    int drafted = 0;
    int accepted = 0;
    int pair = first;
    for (String prompt : prompts()) {
      int[] all = model.tokenizer().encode(prompt, true, false);
      int[] tokens = Arrays.copyOf(all, Math.min(all.length, CAPACITY - TOKENS - 1));
      int[] wanted = dense(decoder, tokens);
      double keep = pair % 2 == 0 ? 0.2 : 0.4;
      Drafts drafts = check(decoder, tokens, keep, 1 + pair++ / 2 % 6, wanted);
      drafted += drafts.drafted();
      accepted += drafts.accepted();
    }
    assertTrue(accepted > 0 && accepted < drafted, accepted + " of " + drafted);
  }

  @ParameterizedTest
  @CsvSource({
    "opt-tiny-relu, 0",
    "relu-llama-656k, 8",
    "tinystories-656k, 4",
    "stories260k-hf, 0",
    "gguf/tinystories-656k-q8_0.gguf, 8"
  })
  void answersAreThoseOfDenseDecoding(String name, int firstPair) throws IOException {
    try (Model model = Model.load(TestData.shared("models/" + name))) {
      check(model, firstPair);
    }
  }

  @Test
  void answersOfTheEmbeddedModelAreThoseOfDenseDecoding() throws IOException {
    try (Model model = Model.embedded().load()) {
      check(model, 4);
    }
  }
}
