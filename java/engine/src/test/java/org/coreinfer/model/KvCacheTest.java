package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.error.CacheFullException;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Sequences take pages as they grow, share those of what they begin with, and give them back. */
class KvCacheTest {
  private static final int PAGE = KvLayer.PAGE;
  private static final int CONTEXT = 2 * PAGE;
  private static final int SHORT = 64; // of the small model that is simulated

  /** Uses a decoder. */
  private interface Work {
    void with(Decoder decoder);
  }

  private static void onDecoder(TestBackend where, Work work) {
    String name = where.isSimulated() ? "families/llama-tied-gqa-relu" : "embedded/embedded.gguf";
    int context = where.isSimulated() ? SHORT : CONTEXT;
    try (WeightFile file = WeightFile.open(TestData.file(name), Host::map);
        Backend backend = where.open();
        Decoder decoder =
            new ModelLoader(file, Families.of(file)).load(backend, context, fraction -> {})) {
      work.with(decoder);
    }
  }

  private static DecoderState newState(Decoder decoder, KvPool pool) {
    return decoder.newState(decoder.maxPositions(), 64, pool, layer -> decoder.config().neurons());
  }

  private static int[] tokens(Decoder decoder, int seed, int count) {
    return IntStream.range(0, count)
        .map(i -> (i * 31 + seed * 17 + i * i) % decoder.config().vocabulary())
        .toArray();
  }

  private static void read(Decoder decoder, DecoderState state, int[] tokens) {
    decoder.prefill(state, tokens, 64, ActivationListener.NONE, null, fraction -> {});
  }

  private static List<float[]> decode(Decoder decoder, DecoderState state, int... tokens) {
    List<float[]> logits = new ArrayList<>();
    for (int token : tokens) {
      FloatBuffer row = decoder.decode(state, token, decoder.allNeurons()).read();
      float[] copy = new float[row.limit()];
      row.get(copy);
      logits.add(copy);
    }
    return logits;
  }

  private static void assertSame(List<float[]> expected, List<float[]> got) {
    assertEquals(expected.size(), got.size());
    for (int i = 0; i < got.size(); i++) {
      assertArrayEquals(expected.get(i), got.get(i), 0f, "token " + i);
    }
  }

  @Test
  void takesPagesAsItGrowsAndGivesThemBack() {
    onDecoder(
        TestBackend.CPU,
        decoder -> {
          KvPool pool = decoder.newPool(DType.F16, Long.MAX_VALUE);
          assertEquals(Long.MAX_VALUE, pool.tokens());
          try (DecoderState state = newState(decoder, pool)) {
            assertEquals(0, pool.usedTokens());
            read(decoder, state, tokens(decoder, 1, PAGE - 1));
            assertEquals(PAGE, pool.usedTokens());
            decode(decoder, state, 1);
            assertEquals(PAGE, pool.usedTokens());
            decode(decoder, state, 1);
            assertEquals(2 * PAGE, pool.usedTokens());
            read(decoder, state, tokens(decoder, 2, PAGE - 1));
            assertEquals(2 * PAGE, pool.usedTokens());
            state.truncate(PAGE);
            assertEquals(PAGE, pool.usedTokens());
            state.truncate(0);
            assertEquals(0, pool.usedTokens());
            assertThrows(IllegalStateException.class, () -> state.restore(1));
            read(decoder, state, tokens(decoder, 1, 5));
          }
          assertEquals(0, pool.usedTokens());
        });
  }

  @Test
  void draftsThatAreForgottenComeBackAcrossPages() {
    onDecoder(
        TestBackend.CPU,
        decoder -> {
          try (DecoderState state = decoder.newState(CONTEXT, 64, DType.F32);
              DecoderState other = decoder.newState(CONTEXT, 64, DType.F32)) {
            int[] drafts = tokens(decoder, 3, 8);
            for (DecoderState each : List.of(state, other)) {
              read(decoder, each, tokens(decoder, 1, PAGE - 4));
              decoder.append(each, drafts, ActivationListener.NONE);
            }
            state.truncate(PAGE - 4);
            state.restore(8);
            assertSame(decode(decoder, other, 5, 6), decode(decoder, state, 5, 6));
          }
        });
  }

  @Test
  void aFullCacheIsAClearErrorThatLeavesSequencesAsTheyWere() {
    onDecoder(
        TestBackend.CPU,
        decoder -> {
          KvPool pool = decoder.newPool(DType.F16, PAGE + 1);
          assertEquals(2 * PAGE, pool.tokens());
          DecoderState second = newState(decoder, pool);
          try (DecoderState first = newState(decoder, pool)) {
            read(decoder, first, tokens(decoder, 1, PAGE));
            read(decoder, second, tokens(decoder, 2, PAGE - 1));
            BatchEntry one = new BatchEntry(second, 1, decoder.allNeurons());
            decoder.decodeTogether(List.of(one));
            for (Runnable tooMuch :
                List.<Runnable>of(
                    () -> decode(decoder, first, 1),
                    () -> read(decoder, first, tokens(decoder, 1, 40)),
                    () -> decoder.append(first, new int[] {1, 2}, ActivationListener.NONE),
                    () ->
                        decoder.decodeTogether(
                            List.of(one, new BatchEntry(first, 1, decoder.allNeurons()))))) {
              CacheFullException e = assertThrows(CacheFullException.class, tooMuch::run);
              assertTrue(String.valueOf(e.getMessage()).contains("of 512 tokens"), e.getMessage());
              assertEquals(PAGE, first.position());
              assertEquals(PAGE, second.position());
            }
            second.close();
            decode(decoder, first, 1);
            assertEquals(PAGE + 1, first.position());
          }
        });
  }

  /** Both go on with their own tokens and get what they would get if nothing were shared. */
  @ParameterizedTest
  @EnumSource(
      value = TestBackend.class,
      names = {"CPU", "SIMULATED_CUDA", "CUDA"})
  void sharesWhatItBeginsWith(TestBackend where) {
    onDecoder(
        where,
        decoder -> {
          int[] prompt = tokens(decoder, 1, where.isSimulated() ? 20 : PAGE + 20);
          int half = prompt.length - 10;
          KvPool pool = decoder.newPool(DType.F16, 6 * PAGE);
          DecoderState first = newState(decoder, pool);
          try (DecoderState alone = newState(decoder, pool)) {
            read(decoder, alone, prompt);
            read(decoder, first, prompt);
            List<float[]> whole = decode(decoder, alone, 4, 5);
            alone.truncate(half);
            List<float[]> cut = decode(decoder, alone, 7, 8, 9);

            long before = pool.usedTokens();
            DecoderState fork = newState(decoder, pool);
            fork.beginAs(first, half);
            DecoderState third = newState(decoder, pool);
            third.beginAs(fork, half);
            assertEquals(half, fork.position());
            assertEquals(before, pool.usedTokens(), "nothing is copied");
            assertSame(cut, decode(decoder, fork, 7, 8, 9));
            assertEquals(before + PAGE, pool.usedTokens(), "one page is");
            assertSame(whole, decode(decoder, first, 4, 5));
            first.close();
            fork.close();
            assertSame(cut, decode(decoder, third, 7, 8, 9));
            third.close();
          }
          assertEquals(0, pool.usedTokens());
        });
  }

  @Test
  void sequencesThatShareDecodeTogether() {
    onDecoder(
        TestBackend.CPU,
        decoder -> {
          KvPool pool = decoder.newPool(DType.F32, 100 * PAGE);
          try (DecoderState first = newState(decoder, pool);
              DecoderState fork = newState(decoder, pool);
              DecoderState alone = newState(decoder, pool)) {
            read(decoder, first, tokens(decoder, 1, 30));
            fork.beginAs(first, 25);
            alone.beginAs(first, 25);
            List<float[]> expected = decode(decoder, alone, 3);
            List<Logits> got =
                decoder.decodeTogether(
                    List.of(
                        new BatchEntry(first, 9, decoder.allNeurons()),
                        new BatchEntry(fork, 3, decoder.allNeurons())));
            float[] copy = new float[expected.get(0).length];
            got.get(1).read().get(copy);
            assertArrayEquals(expected.get(0), copy, 0f);
          }
        });
  }

  @Test
  void refusesToBeginAsWhatDoesNotFit() {
    onDecoder(
        TestBackend.CPU,
        decoder -> {
          KvPool pool = decoder.newPool(DType.F16, Long.MAX_VALUE);
          try (DecoderState first = newState(decoder, pool);
              DecoderState other = newState(decoder, pool);
              DecoderState wide = decoder.newState(CONTEXT, 64, DType.F32);
              DecoderState small = decoder.newState(4, 4, DType.F16)) {
            read(decoder, first, tokens(decoder, 1, 6));
            assertThrows(IllegalArgumentException.class, () -> other.beginAs(first, 7));
            assertThrows(IllegalArgumentException.class, () -> other.beginAs(first, -1));
            assertThrows(IllegalArgumentException.class, () -> wide.beginAs(first, 6));
            assertThrows(IllegalArgumentException.class, () -> small.beginAs(first, 6));
            other.beginAs(first, 6);
            assertThrows(IllegalStateException.class, () -> other.beginAs(first, 6));
          }
          assertEquals(0, pool.usedTokens());
        });
    for (long tokens : new long[] {0, -5}) {
      onDecoder(
          TestBackend.CPU,
          decoder ->
              assertThrows(
                  IllegalArgumentException.class, () -> decoder.newPool(DType.F16, tokens)));
    }
    onDecoder(
        TestBackend.CPU,
        decoder ->
            Arrays.asList(DType.BF16, DType.Q8_0)
                .forEach(
                    dtype ->
                        assertThrows(
                            IllegalArgumentException.class, () -> decoder.newPool(dtype, 100))));
  }
}
