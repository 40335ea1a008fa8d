package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.coreinfer.backend.Host;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CalibrationFile;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.error.SessionFormatException;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.TokenStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A saved session goes on as if it had never ended. */
class SavedSessionTest {
  @SuppressWarnings("NullAway.Init")
  private static Model model;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @BeforeAll
  static void load() {
    model = Model.embedded().contextLength(512).load();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  static List<CoreOptions> options() {
    CoreOptions core = CoreOptions.stability(0.4);
    Calibration calibration =
        CalibrationFile.read(TestData.file("embedded/embedded.calibration"), Host::map);
    CoreOptions auto = CoreOptions.auto(0.4, calibration);
    return List.of(
        auto,
        auto.withUpkeep(new Upkeep(4, true, false)),
        CoreOptions.dense(),
        core,
        core.withUpkeep(new Upkeep(3, false, false)),
        core.withUpkeep(new Upkeep(Upkeep.AUTO, true, false)),
        core.withUpkeep(new Upkeep(0, false, true)));
  }

  private static GenerationRequest ask(String text) {
    return GenerationRequest.of(text).maxTokens(12).build();
  }

  private static List<Integer> answer(Session session, String prompt) {
    GenerationResult result = session.generate(ask(prompt));
    return result.tokens();
  }

  @ParameterizedTest
  @MethodSource("options")
  void goesOnToTheSameTokens(CoreOptions options) {
    Path file = folder.resolve("session");
    try (Session session = model.newSession(options);
        Session other = model.newSession(options)) {
      answer(session, "Once upon a time there was a little dog");
      session.save(file);
      List<Integer> expected = answer(session, " The next day");
      List<Integer> further = answer(session, " and then");
      answer(other, "Something else that is forgotten");
      other.load(file);
      assertEquals(expected, answer(other, " The next day"));
      assertEquals(further, answer(other, " and then"));
      assertEquals(session.position(), other.position());
      for (int layer = 0; layer < model.config().layers(); layer++) {
        assertArrayEquals(session.neurons().ids(layer), other.neurons().ids(layer));
      }
    }
  }

  @Test
  void anEmptySessionCanBeSaved() {
    Path file = folder.resolve("empty");
    try (Session session = model.newSession(CoreOptions.stability(0.4));
        Session other = model.newSession(CoreOptions.stability(0.4))) {
      session.save(file);
      answer(other, "Lily had a ball");
      other.load(file);
      assertEquals(0, other.position());
      assertEquals(answer(session, "Tom saw"), answer(other, "Tom saw"));
    }
  }

  /** Whatever is cut off or changed is noticed, and leaves an empty session that works. */
  @Test
  void brokenFilesAreClearErrors() throws IOException {
    Path file = folder.resolve("whole");
    CoreOptions options = CoreOptions.stability(0.4);
    try (Session session = model.newSession(options);
        Session other = model.newSession(options)) {
      List<Integer> expected = answer(session, "Tom saw a cat");
      session.save(file);
      byte[] whole = Files.readAllBytes(file);
      Path broken = folder.resolve("broken");
      Random random = new Random(5);
      for (int i = 0; i < 60; i++) {
        byte[] bytes = whole.clone();
        if (i % 3 == 0) {
          bytes = Arrays.copyOf(whole, i < 3 ? i : random.nextInt(whole.length));
        } else {
          int at = i % 3 == 1 ? random.nextInt(400) : random.nextInt(whole.length);
          bytes[at] ^= (byte) (1 << random.nextInt(8));
        }
        Files.write(broken, bytes);
        SessionFormatException e =
            assertThrows(SessionFormatException.class, () -> other.load(broken));
        assertTrue(String.valueOf(e.getMessage()).startsWith(broken + ": "), e.getMessage());
        assertEquals(0, other.position());
      }
      Files.write(broken, Arrays.copyOf(whole, whole.length + 1));
      assertThrows(SessionFormatException.class, () -> other.load(broken));
      assertEquals(expected, answer(other, "Tom saw a cat"));
    }
  }

  @Test
  void refusesWhatWasSavedWithOtherOptionsOrIsNotThere() throws IOException {
    Path file = folder.resolve("session");
    try (Session session = model.newSession(CoreOptions.stability(0.4));
        Session dense = model.newSession(CoreOptions.dense())) {
      session.save(file);
      SessionFormatException e = assertThrows(SessionFormatException.class, () -> dense.load(file));
      assertTrue(String.valueOf(e.getMessage()).contains("method=STABILITY"), e.getMessage());
      assertThrows(UncheckedIOException.class, () -> dense.load(folder.resolve("none")));
      assertThrows(UncheckedIOException.class, () -> dense.save(folder.resolve("none/session")));
      Files.writeString(file, "Once upon a time, there was a text file.");
      assertThrows(SessionFormatException.class, () -> session.load(file));
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertFalse(left.anyMatch(path -> path.toString().endsWith(".part")));
    }
  }

  @Test
  void waitsForTheAnswerToEnd() {
    Path file = folder.resolve("session");
    try (Session session = model.newSession(CoreOptions.dense())) {
      try (TokenStream stream = session.stream(ask("Tom"))) {
        stream.iterator().next();
        assertThrows(IllegalStateException.class, () -> session.save(file));
        assertThrows(IllegalStateException.class, () -> session.load(file));
      }
      session.save(file);
    }
  }
}
