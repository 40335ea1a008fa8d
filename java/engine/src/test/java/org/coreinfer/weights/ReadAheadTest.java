package org.coreinfer.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.coreinfer.backend.Host;
import org.coreinfer.tensor.NativeMemory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ReadAheadTest {
  private static final int ROWS = 5 << 20; // of 4 bytes: a tensor of 20 MiB

  @TempDir Path folder;
  private Path path = Path.of("");

  @BeforeEach
  void writeTwoTensors() throws Exception {
    path = folder.resolve("two.gguf");
    int second = 4 * ROWS;
    byte[] bytes =
        GgufBytes.withTensors(2)
            .tensor("first", 0, 0, 1, ROWS)
            .tensor("second", 0, second, 1, ROWS)
            .data(second + 4 * ROWS);
    Files.write(path, bytes);
  }

  @Test
  void everyTensorIsReadInOrder() {
    try (WeightFile file = WeightFile.open(path, Host::map)) {
      List<NativeMemory> read = Collections.synchronizedList(new ArrayList<>());
      CountDownLatch all = new CountDownLatch(4);
      Consumer<NativeMemory> reader =
          part -> {
            Host.readAhead(part);
            read.add(part);
            all.countDown();
          };
      ReadAhead readAhead = new ReadAhead(file, reader);
      await(all);
      readAhead.close();
      long next = file.tensor("first").memory().address();
      for (NativeMemory part : read) {
        assertEquals(next, part.address());
        next += part.bytes();
      }
      NativeMemory last = file.tensor("second").memory();
      assertEquals(last.address() + last.bytes(), next);
    }
  }

  @Test
  void closingWaitsForWhatIsBeingReadAndStops() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    List<NativeMemory> read = Collections.synchronizedList(new ArrayList<>());
    try (WeightFile file = WeightFile.open(path, Host::map)) {
      ReadAhead readAhead =
          new ReadAhead(
              file,
              part -> {
                begun.countDown();
                await(goOn);
                read.add(part);
              });
      begun.await();
      Thread closing = new Thread(readAhead::close);
      closing.start();
      closing.interrupt();
      closing.join(50);
      assertTrue(closing.isAlive(), "closed while memory was being read");
      goOn.countDown();
      closing.join();
      readAhead.close();
    }
    assertEquals(1, read.size());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
