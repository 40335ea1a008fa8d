package org.coreinfer.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
  @Test
  void lendsBuffersOfExactlyTheBytesAskedFor() {
    ByteBuffer bytes = ByteBuffer.allocateDirect(64);
    bytes.put(17, (byte) 3).put(18, (byte) 4);
    try (NativeMemory memory = own(bytes)) {
      ByteBuffer window = memory.buffer(16, 3);
      assertEquals(3, window.capacity());
      assertEquals(3, window.remaining());
      assertEquals(0x0403, window.getShort(1));
      assertEquals(16, memory.floats().capacity());
      assertEquals(2, memory.slice(8, 8).ints().capacity());
      assertEquals(0, memory.buffer(64, 0).capacity());
    }
  }

  @Test
  void refusesWhatLiesOutside() {
    try (NativeMemory memory = own(ByteBuffer.allocateDirect(64))) {
      assertThrows(IndexOutOfBoundsException.class, () -> memory.buffer(60, 5));
      assertThrows(IndexOutOfBoundsException.class, () -> memory.buffer(-1, 1));
      assertThrows(IndexOutOfBoundsException.class, () -> memory.slice(Long.MAX_VALUE, 1));
      assertThrows(IndexOutOfBoundsException.class, () -> memory.slice(8, 8).buffer(8, 1));
    }
  }

  @Test
  void releasesOnceAndRefusesUseAfterwards() {
    List<String> releases = new ArrayList<>();
    NativeMemory memory = new NativeMemory("weights", 1, 8, () -> releases.add("released"));
    NativeMemory slice = memory.slice(0, 4);
    assertThrows(IllegalStateException.class, slice::close);
    memory.close();
    memory.close();
    assertEquals(List.of("released"), releases);
    assertThrows(IllegalStateException.class, slice::address);
    assertThrows(IllegalStateException.class, () -> memory.buffer(0, 8));
  }

  private static NativeMemory own(ByteBuffer bytes) {
    List<ByteBuffer> held = new ArrayList<>(List.of(bytes)); // reachable until released
    try (Pointer pointer = new Pointer(bytes)) {
      return new NativeMemory("test", pointer.address(), bytes.capacity(), held::clear);
    }
  }
}
