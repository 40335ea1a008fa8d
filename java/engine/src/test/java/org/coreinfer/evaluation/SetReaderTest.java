package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.coreinfer.Model;
import org.coreinfer.TestData;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.GenerationCancelledException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the embedded model chooses for real texts. */
class SetReaderTest {
  private static final CoreOptions OPTIONS = CoreOptions.stability(0.4);

  @SuppressWarnings("NullAway.Init")
  private static Model model;

  @BeforeAll
  static void load() {
    model = Model.embedded().load();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** Documents of at least so many tokens, cut to as many. */
  private static List<int[]> texts(String name, int most, int tokens) {
    List<int[]> texts = new ArrayList<>();
    for (String text :
        Documents.read(TestData.file("embedded/heldout/" + name + ".txt"), Integer.MAX_VALUE)) {
      int[] ids = model.tokenizer().encode(text, true, false);
      if (ids.length >= tokens && texts.size() < most) {
        texts.add(Arrays.copyOf(ids, tokens));
      }
    }
    assertEquals(most, texts.size());
    return texts;
  }

  private static SetReader reader() {
    return new SetReader(model.decoder(), model.contextLength(), model.cacheDtype());
  }

  @ParameterizedTest
  @ValueSource(strings = {"relative", "paper", "reference"})
  void readingInPartsChoosesLikeReadingAtOnce(String rule) {
    int[] ids = texts("stories", 1, 90).get(0);
    CoreOptions options = OPTIONS.withRule(rule);
    try (SetReader reader = reader()) {
      List<CoreSet> sets = reader.prefixes(options, ids, new int[] {7, 40, 90}, part -> {});
      CoreSet first = reader.prefixes(options, ids, new int[] {40}, part -> {}).get(0);
      CoreSet whole = reader.prefixes(options, ids, new int[] {90}, part -> {}).get(0);
      assertTrue(sets.get(1).overlap(first) > 0.99, "sums in another order may swap equals");
      assertTrue(sets.get(2).overlap(whole) > 0.99);
      assertTrue(sets.get(0).overlap(whole) < 1);
    }
  }

  @Test
  void aTextThatBeginsWithNothingOfItsOwnChoosesFromTheRest() {
    int[] ids = texts("stories", 1, 80).get(0);
    int[] rest = Arrays.copyOfRange(ids, 30, 80);
    try (SetReader reader = reader()) {
      reader.begin(Arrays.copyOf(ids, 30));
      CoreSet once = reader.choose(OPTIONS, rest);
      assertEquals(1, once.overlap(reader.choose(OPTIONS, rest)));
      CoreSet prompt = reader.prefixes(OPTIONS, ids, new int[] {30}, part -> {}).get(0);
      double overlap = once.overlap(prompt);
      assertTrue(overlap > once.chance(prompt) && overlap < 1, "overlap=" + overlap);
    }
  }

  @Test
  void setsSettleAsATextGoesOn() {
    int[] lengths = SetStability.lengths(160);
    SetStability stability = new SetStability(lengths);
    try (SetReader reader = reader()) {
      for (int[] ids : texts("stories", 6, 160)) {
        stability.add(reader.prefixes(OPTIONS, ids, lengths, part -> {}));
      }
    }
    SetStability.Curve curve = stability.curve(LayerGroup.all(model.config().layers()));
    List<SetStability.Point> points = curve.points();
    assertEquals(1, points.get(points.size() - 1).mean());
    assertEquals(0.4, curve.chance(), 0.001);
    for (int i = 1; i < points.size(); i++) {
      assertTrue(points.get(i).mean() > points.get(i - 1).mean(), points.toString());
    }
    assertTrue(curve.others() > curve.chance() && curve.others() < 1);
  }

  @Test
  void textsOfOneKindShareMoreThanTextsOfDifferentKinds() {
    List<List<CoreSet>> topics = new ArrayList<>();
    try (SetReader reader = reader()) {
      for (String topic : List.of("stories", "german", "code")) {
        List<CoreSet> sets = new ArrayList<>();
        for (int[] ids : texts(topic, 5, 128)) {
          sets.addAll(reader.prefixes(OPTIONS, ids, new int[] {128}, part -> {}));
        }
        topics.add(sets);
      }
    }
    TopicOverlap overlap = TopicOverlap.of(topics);
    assertTrue(overlap.within() > overlap.between() + 0.1, overlap.toString());
    assertTrue(overlap.nearest() > 0.9, overlap.toString());
    assertEquals(0.4, overlap.chance(), 0.001);
  }

  @Test
  void endsWhenTheMonitorThrows() {
    try (SetReader reader = reader()) {
      assertThrows(
          GenerationCancelledException.class,
          () ->
              reader.prefixes(
                  OPTIONS,
                  new int[] {1, 5, 6},
                  new int[] {3},
                  part -> {
                    throw new GenerationCancelledException("enough");
                  }));
    }
  }
}
