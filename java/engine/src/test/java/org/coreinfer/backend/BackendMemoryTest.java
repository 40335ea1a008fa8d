package org.coreinfer.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Memory and lifetimes of every backend, used rightly and wrongly. */
@Timeout(60)
class BackendMemoryTest {
  @ParameterizedTest
  @EnumSource
  void numbersComeBackAsTheyWent(TestBackend where) {
    try (Backend backend = where.open()) {
      for (int count : new int[] {1, 13, 300_001}) { // more than is copied at once
        int[] ints = new Random(count).ints(count).toArray();
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
          floats[i] = ints[i];
        }
        try (NativeMemory intMemory = backend.allocateInts("ints", count + 5L);
            NativeMemory floatMemory = backend.allocateFloats("floats", count)) {
          backend.upload(ints, intMemory);
          backend.upload(floats, floatMemory);
          assertArrayEquals(ints, backend.downloadInts(intMemory, count));
          assertArrayEquals(floats, backend.downloadFloats(floatMemory, count));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void freshMemoryIsZero(TestBackend where) {
    try (Backend backend = where.open();
        NativeMemory memory = backend.allocateInts("ints", 1000)) {
      assertArrayEquals(new int[1000], backend.downloadInts(memory, 1000));
    }
  }

  @ParameterizedTest
  @EnumSource
  void hostMemoryIsCopiedThereAndBack(TestBackend where) {
    try (Backend backend = where.open();
        NativeMemory host = backend.allocateHost("host", 64);
        NativeMemory memory = backend.allocate("memory", 100);
        NativeMemory back = backend.allocateHost("back", 64)) {
      for (int i = 0; i < 16; i++) {
        host.ints().put(i, i * i);
      }
      backend.upload(host, memory);
      backend.download(memory, back);
      assertEquals(host.ints(), back.ints());
    }
  }

  @ParameterizedTest
  @EnumSource(names = "CPU", mode = EnumSource.Mode.EXCLUDE)
  void javaCannotTouchWhatADeviceHolds(TestBackend where) {
    try (Backend backend = where.open();
        NativeMemory memory = backend.allocateFloats("weights", 8)) {
      NativeMemory slice = memory.slice(4, 8);
      for (Runnable touch :
          new Runnable[] {memory::floats, memory::ints, () -> slice.buffer(0, 4)}) {
        IllegalStateException e = assertThrows(IllegalStateException.class, touch::run);
        String message = String.valueOf(e.getMessage());
        assertTrue(message.contains("weights") && message.contains("cuda device"), message);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void memoryThatIsTooSmallIsRefused(TestBackend where) {
    try (Backend backend = where.open();
        NativeMemory small = backend.allocateFloats("small", 4);
        NativeMemory large = backend.allocateFloats("large", 8)) {
      assertThrows(IllegalArgumentException.class, () -> backend.add(large, 8, small));
      assertThrows(IllegalArgumentException.class, () -> backend.add(small, 8, large));
      assertThrows(RuntimeException.class, () -> backend.upload(new int[5], small));
      assertThrows(RuntimeException.class, () -> backend.downloadFloats(small, 5));
      assertThrows(IllegalArgumentException.class, () -> backend.allocate("nothing", 0));
    }
  }

  @ParameterizedTest
  @EnumSource
  void memoryOutlivesItsBackendAndIsRefusedWhenClosed(TestBackend where) {
    Backend backend = where.open();
    NativeMemory x = backend.allocateFloats("x", 4);
    NativeMemory y = backend.allocateFloats("y", 4);
    backend.close();
    backend.close();
    assertThrows(IllegalStateException.class, () -> backend.allocate("more", 4));
    assertThrows(IllegalStateException.class, backend::newQueue);
    backend.upload(new float[] {1, 2, 3, 4}, x);
    backend.add(x, 4, y);
    assertArrayEquals(new float[] {1, 2, 3, 4}, backend.downloadFloats(y, 4));
    x.close();
    x.close();
    assertThrows(IllegalStateException.class, () -> backend.add(x, 4, y));
    y.close();
  }

  @ParameterizedTest
  @EnumSource
  void queuesAndMemoryMayBeClosedByAnotherThread(TestBackend where) throws Exception {
    Backend backend = where.open();
    Backend queue = backend.newQueue();
    NativeMemory memory = queue.allocateFloats("memory", 4);
    CompletableFuture.runAsync(
            () -> {
              queue.upload(new float[] {1, 2, 3, 4}, memory);
              backend.close();
              queue.close();
            })
        .get(30, TimeUnit.SECONDS);
    assertArrayEquals(new float[] {1, 2}, queue.downloadFloats(memory, 2));
    CompletableFuture.runAsync(memory::close).get(30, TimeUnit.SECONDS);
    assertTrue(memory.isClosed());
  }

  /** More than one piece of an upload, with rows that do not fill the last one. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q4_0"})
  void placedMatricesHoldTheirRows(DType dtype) {
    int rows = 2500;
    int columns = 4096;
    long rowBytes = dtype.bytes(columns);
    int[] numbers = {0, 1, 1023, 1024, 2047, 2048, 2499};
    try (Backend cpu = TestBackend.CPU.open();
        Backend device = TestBackend.SIMULATED_CUDA.open();
        NativeMemory memory = cpu.allocate("a matrix", rows * rowBytes)) {
      Random random = new Random(3);
      for (int row : numbers) {
        byte[] bytes = new byte[(int) rowBytes];
        random.nextBytes(bytes);
        memory.buffer(row * rowBytes, bytes.length).put(finite(dtype, bytes));
      }
      Tensor source = new Tensor("a matrix", dtype, rows, columns, memory);
      Tensor placed = device.place(source);
      device.endPlacing();
      assertArrayEquals(embedded(cpu, source, numbers), embedded(device, placed, numbers), 0f);
      placed.memory().close();
    }
  }

  /** Random bytes without exponents of infinity. */
  private static byte[] finite(DType dtype, byte[] bytes) {
    int group = (int) dtype.bytes(dtype.groupSize());
    for (int i = 0; i < bytes.length; i += group) {
      int high = dtype.isPlain() ? i + group - 1 : i + 1;
      bytes[high] = (byte) (bytes[high] & 0x3f);
    }
    return bytes;
  }

  private static float[] embedded(Backend backend, Tensor table, int[] rows) {
    int count = rows.length * table.columns();
    try (NativeMemory ids = backend.allocateInts("rows", rows.length);
        NativeMemory y = backend.allocateFloats("y", count)) {
      backend.upload(rows, ids);
      backend.embed(table, ids, rows.length, y);
      return backend.downloadFloats(y, count);
    }
  }
}
