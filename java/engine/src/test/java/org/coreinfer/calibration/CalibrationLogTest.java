package org.coreinfer.calibration;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CalibrationLogTest {
  private static final byte[] PURPOSE = {1, 2, 3};
  private static final byte[] FIRST = {10, 20, 30, 40};
  private static final byte[] SECOND = {50, 60};
  private static final byte[] THIRD = {70};

  /** Two sizes, a key of nine bytes, the value and a checksum. */
  private static final int SECOND_RECORD_BYTES = 4 + 4 + 9 + SECOND.length + 4;

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void nameFile() {
    file = folder.resolve("calibration.part");
  }

  private CalibrationLog open() {
    return new CalibrationLog(file, PURPOSE);
  }

  /** Two records after the purpose. */
  private byte[] written() throws IOException {
    try (CalibrationLog log = open()) {
      log.put("first", FIRST);
      log.put("second \u00e4", SECOND);
    }
    return Files.readAllBytes(file);
  }

  @Test
  void recordsOutliveTheProcess() throws IOException {
    written();
    try (CalibrationLog log = open()) {
      assertArrayEquals(FIRST, log.find("first"));
      assertArrayEquals(SECOND, log.find("second \u00e4"));
      assertNull(log.find("third"));
      log.put("third", THIRD);
      assertArrayEquals(THIRD, log.find("third"));
    }
    try (CalibrationLog log = open()) {
      assertArrayEquals(FIRST, log.find("first"));
      assertArrayEquals(THIRD, log.find("third"));
    }
  }

  @Test
  void emptyValuesAreValues() {
    try (CalibrationLog log = open()) {
      log.put("nothing", new byte[0]);
    }
    try (CalibrationLog log = open()) {
      assertArrayEquals(new byte[0], log.find("nothing"));
    }
  }

  @Test
  void aLogOfAnotherPurposeIsBegunAnew() throws IOException {
    written();
    try (CalibrationLog log = new CalibrationLog(file, new byte[] {1, 2, 4})) {
      assertNull(log.find("first"));
      log.put("first", THIRD);
    }
    try (CalibrationLog log = new CalibrationLog(file, new byte[] {1, 2, 4})) {
      assertArrayEquals(THIRD, log.find("first"));
      assertNull(log.find("second \u00e4"));
    }
    try (CalibrationLog log = open()) {
      assertNull(log.find("first"));
    }
  }

  @Test
  void aFileCutAtAnyByteKeepsTheRecordsBeforeIt() throws IOException {
    byte[] whole = written();
    int secondBegins = whole.length - SECOND_RECORD_BYTES;
    for (int length = 0; length <= whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      checkAfter(length >= secondBegins, length == whole.length, "cut at byte " + length);
    }
  }

  @Test
  void aChangedByteDropsItsRecordAndAllAfterIt() throws IOException {
    byte[] whole = written();
    int secondBegins = whole.length - SECOND_RECORD_BYTES;
    for (int i = 0; i < whole.length; i++) {
      for (int bits : new int[] {0x01, 0x80, 0xff}) {
        byte[] changed = whole.clone();
        changed[i] ^= (byte) bits;
        Files.write(file, changed);
        checkAfter(i >= secondBegins, false, "byte " + i + " with bits " + bits);
      }
    }
  }

  /** The file gives what is expected, and takes new records after that. */
  private void checkAfter(boolean hasFirst, boolean hasSecond, String what) {
    try (CalibrationLog log = open()) {
      assertArrayEquals(hasFirst ? FIRST : null, log.find("first"), what);
      assertArrayEquals(hasSecond ? SECOND : null, log.find("second \u00e4"), what);
      log.put("third", THIRD);
    }
    try (CalibrationLog log = open()) {
      assertArrayEquals(hasFirst ? FIRST : null, log.find("first"), what);
      assertArrayEquals(hasSecond ? SECOND : null, log.find("second \u00e4"), what);
      assertArrayEquals(THIRD, log.find("third"), what);
    }
  }

  @Test
  void aFileOfSomethingElseIsBegunAnew() throws IOException {
    Files.writeString(file, "this is a text of somebody, and no log at all\n".repeat(20));
    try (CalibrationLog log = open()) {
      assertNull(log.find("first"));
      log.put("first", FIRST);
    }
    try (CalibrationLog log = open()) {
      assertArrayEquals(FIRST, log.find("first"));
    }
  }

  @Test
  void itIsDeletedWhenItIsOfNoUse() throws IOException {
    written();
    open().delete();
    assertFalse(Files.exists(file));
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() {
    Path nowhere = folder.resolve("missing").resolve("log");
    CoreInferException e =
        assertThrows(CoreInferException.class, () -> new CalibrationLog(nowhere, PURPOSE).close());
    assertTrue(String.valueOf(e.getMessage()).startsWith(nowhere.toString()), e.getMessage());
    assertFalse(Files.exists(nowhere));
  }
}
