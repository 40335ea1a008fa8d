package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.TestData;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.model.family.Families;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.weights.WeightFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Sequences that are decoded together get what each gets alone, bit for bit. */
class BatchTest {
  private static final int CONTEXT = 48;

  static List<Arguments> families() throws IOException {
    try (Stream<Path> folders = Files.list(TestData.file("families"))) {
      return folders
          .map(folder -> Arguments.of(folder.getFileName().toString()))
          .sorted((a, b) -> a.get()[0].toString().compareTo(b.get()[0].toString()))
          .toList();
    }
  }

  /** A constant in place of the other neurons. */
  private record ConstantTail(NativeMemory constant) implements Tail {
    @Override
    public void add(Backend on, int layer, NativeMemory x, NativeMemory y) {
      on.add(constant, constant.bytes() / Float.BYTES, y);
    }

    @Override
    public long bytes(int layer) {
      return constant.bytes();
    }
  }

  /** A sequence, and one that gets the same tokens alone. */
  private static final class Pair {
    private final DecoderState batched;
    private final DecoderState alone;
    private NeuronSet neurons;

    Pair(DecoderState batched, DecoderState alone, NeuronSet neurons) {
      this.batched = batched;
      this.alone = alone;
      this.neurons = neurons;
    }
  }

  /** A decoder with some sequences, which have read prompts of different lengths. */
  private static final class Fixture implements AutoCloseable {
    private final Resources resources = new Resources();
    private final Random random = new Random(7);
    private final Decoder decoder;
    private final ConstantTail tail;
    private final List<Pair> pairs = new ArrayList<>();

    Fixture(String family, TestBackend where, int count) {
      WeightFile file = WeightFile.open(TestData.file("families/" + family), Host::map);
      resources.onClose(file::close);
      Backend backend = where.open();
      resources.onClose(backend::close);
      this.decoder = new ModelLoader(file, Families.of(file)).load(backend, 64, fraction -> {});
      resources.onClose(decoder::close);
      int dim = decoder.config().dim();
      this.tail = new ConstantTail(resources.own(backend.allocateFloats("a tail", dim)));
      float[] values = new float[dim];
      IntStream.range(0, dim).forEach(i -> values[i] = random.nextFloat() - 0.5f);
      backend.upload(values, tail.constant());
      for (int i = 0; i < count; i++) {
        DType cache = i % 2 == 0 ? DType.F16 : DType.F32;
        int[] prompt = random.ints(1 + i, 0, decoder.config().vocabulary()).toArray();
        pairs.add(new Pair(read(cache, prompt), read(cache, prompt), set(i)));
      }
    }

    private DecoderState read(DType cache, int[] prompt) {
      DecoderState state = decoder.newState(CONTEXT, 16, cache);
      resources.onClose(state::close);
      decoder.prefill(state, prompt, 16, ActivationListener.NONE, null, fraction -> {});
      return state;
    }

    /** All neurons, random ones, or all of some layers; with and without a tail. */
    NeuronSet set(int kind) {
      ModelConfig config = decoder.config();
      if (kind % 5 == 1) {
        return decoder.allNeurons();
      }
      int[][] lists = new int[config.layers()][];
      for (int layer = kind % 5 == 2 ? 1 : 0; layer < lists.length; layer++) {
        int[] some =
            IntStream.range(0, config.neurons()).filter(n -> random.nextInt(5) < 2).toArray();
        lists[layer] = some.length == 0 ? new int[] {0} : some;
      }
      NeuronSet set = NeuronSet.of(config, lists);
      return kind % 5 >= 3 ? set.withTail(tail) : set;
    }

    /** Decodes a random token of each of some sequences, and compares. */
    void step(List<Pair> some) {
      List<BatchEntry> entries = new ArrayList<>();
      List<float[]> expected = new ArrayList<>();
      for (Pair pair : some) {
        int token = random.nextInt(decoder.config().vocabulary());
        entries.add(new BatchEntry(pair.batched, token, pair.neurons));
        expected.add(copy(decoder.decode(pair.alone, token, pair.neurons).read()));
      }
      List<Logits> got = decoder.decodeTogether(entries);
      for (int i = 0; i < some.size(); i++) {
        assertSame(some.get(i).batched.logits(), got.get(i));
        assertArrayEquals(expected.get(i), copy(got.get(i).read()), 0f, "entry " + i);
        assertEquals(some.get(i).alone.position(), some.get(i).batched.position());
      }
    }

    @Override
    public void close() {
      resources.close();
    }
  }

  private static float[] copy(FloatBuffer logits) {
    float[] values = new float[logits.limit()];
    logits.get(values);
    return values;
  }

  @ParameterizedTest
  @MethodSource("families")
  void givesEachSequenceTheBitsThatItGetsAlone(String family) {
    try (Fixture fixture = new Fixture(family, TestBackend.CPU, 16)) {
      for (int count : new int[] {16, 2, 1, 5, 5, 3}) {
        fixture.step(fixture.pairs.subList(0, count));
      }
      Collections.shuffle(fixture.pairs, fixture.random);
      fixture.step(fixture.pairs.subList(0, 7));
      fixture.pairs.get(2).neurons = fixture.set(0);
      fixture.step(fixture.pairs.subList(0, 7));
    }
  }

  @Test
  void mixesWithStepsAlone() {
    try (Fixture fixture = new Fixture("llama-silu", TestBackend.CPU, 4)) {
      Pair first = fixture.pairs.get(0);
      fixture.step(fixture.pairs);
      fixture.decoder.decode(first.batched, 3, first.neurons);
      fixture.decoder.decode(first.alone, 3, first.neurons);
      fixture.step(fixture.pairs);
      first.batched.truncate(4);
      first.alone.truncate(4);
      fixture.step(fixture.pairs);
      fixture.decoder.append(first.batched, new int[] {1, 2}, ActivationListener.NONE);
      fixture.decoder.append(first.alone, new int[] {1, 2}, ActivationListener.NONE);
      fixture.step(fixture.pairs);
    }
  }

  @Test
  void logitsStayUntilTheNextCallOfTheirOwnState() {
    try (Fixture fixture = new Fixture("qwen2", TestBackend.CPU, 4)) {
      Pair last = fixture.pairs.get(3);
      fixture.step(fixture.pairs);
      float[] before = copy(last.batched.logits().read());
      fixture.step(fixture.pairs.subList(0, 3));
      assertArrayEquals(before, copy(last.batched.logits().read()), 0f);
    }
  }

  @Test
  void sequencesOfADeviceTakeTheirTurns() {
    for (TestBackend backend : List.of(TestBackend.SIMULATED_CUDA)) {
      try (Fixture fixture = new Fixture("llama-tied-gqa-relu", backend, 3)) {
        fixture.step(fixture.pairs);
        fixture.step(fixture.pairs);
      }
    }
  }

  @Test
  void threadsMayEachDecodeTheirOwnSequences() {
    try (Fixture fixture = new Fixture("llama-silu", TestBackend.CPU, 8)) {
      List<List<float[]>> expected = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Pair pair = fixture.pairs.get(i);
        expected.add(new ArrayList<>());
        for (int token = 0; token < 12; token++) {
          expected.get(i).add(copy(fixture.decoder.decode(pair.alone, token, pair.neurons).read()));
        }
      }
      List<CompletableFuture<Void>> threads = new ArrayList<>();
      for (int thread = 0; thread < 2; thread++) {
        int first = thread * 4;
        threads.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int token = 0; token < 12; token++) {
                    int now = token;
                    List<BatchEntry> entries =
                        fixture.pairs.subList(first, first + 4).stream()
                            .map(pair -> new BatchEntry(pair.batched, now, pair.neurons))
                            .toList();
                    List<Logits> got = fixture.decoder.decodeTogether(entries);
                    for (int i = 0; i < 4; i++) {
                      assertArrayEquals(
                          expected.get(first + i).get(token), copy(got.get(i).read()), 0f);
                    }
                  }
                }));
      }
      threads.forEach(CompletableFuture::join);
    }
  }

  @Test
  void refusesWhatCannotBeDecodedTogetherAndChangesNothing() {
    try (Fixture fixture = new Fixture("llama-silu", TestBackend.CPU, 3)) {
      Decoder decoder = fixture.decoder;
      NeuronSet all = decoder.allNeurons();
      DecoderState a = fixture.pairs.get(0).batched;
      DecoderState b = fixture.pairs.get(1).batched;
      DecoderState full = fixture.pairs.get(2).batched;
      while (full.position() < CONTEXT) {
        decoder.decode(full, 1, all);
      }
      int positions = a.position() + b.position();
      refuses(decoder, List.of(), "0 sequences");
      refuses(decoder, Collections.nCopies(17, new BatchEntry(a, 1, all)), "17 sequences");
      refuses(
          decoder,
          List.of(new BatchEntry(a, 1, all), new BatchEntry(b, 1, all), new BatchEntry(a, 1, all)),
          "entries 0 and 2 have the same state");
      refuses(decoder, List.of(new BatchEntry(a, 1, all), new BatchEntry(full, 1, all)), "is full");
      assertThrows(
          IndexOutOfBoundsException.class,
          () ->
              decoder.decodeTogether(
                  List.of(new BatchEntry(a, 1, all), new BatchEntry(b, 1 << 20, all))));
      assertEquals(positions, a.position() + b.position());
    }
  }

  private static void refuses(Decoder decoder, List<BatchEntry> entries, String words) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> decoder.decodeTogether(entries));
    assertTrue(String.valueOf(e.getMessage()).contains(words), e.getMessage());
  }
}
