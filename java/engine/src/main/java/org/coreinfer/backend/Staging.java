package org.coreinfer.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.bytedeco.javacpp.Pointer;
import org.coreinfer.tensor.NativeMemory;

/**
 * Copies between Java arrays and a device's memory, piece by piece through a small buffer. For one
 * thread at a time.
 */
final class Staging {
  private static final int BYTES = 1 << 20;
  private static final int ELEMENTS = BYTES / Integer.BYTES;

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final IntBuffer ints = buffer.asIntBuffer();
  private final FloatBuffer floats = buffer.asFloatBuffer();
  private final long address = new Pointer(buffer).address();

  /** Copies {@code bytes} between the buffer at {@code host} and memory. */
  interface Copy {
    void run(long host, int bytes, NativeMemory memory);
  }

  void write(int[] values, NativeMemory target, Copy upload) {
    for (int start = 0; start < values.length; start += ELEMENTS) {
      int count = Math.min(ELEMENTS, values.length - start);
      ints.clear().put(values, start, count);
      upload.run(address, count * Integer.BYTES, part(target, start, count));
    }
  }

  void write(float[] values, NativeMemory target, Copy upload) {
    for (int start = 0; start < values.length; start += ELEMENTS) {
      int count = Math.min(ELEMENTS, values.length - start);
      floats.clear().put(values, start, count);
      upload.run(address, count * Float.BYTES, part(target, start, count));
    }
  }

  void read(NativeMemory source, int[] values, Copy download) {
    for (int start = 0; start < values.length; start += ELEMENTS) {
      int count = Math.min(ELEMENTS, values.length - start);
      download.run(address, count * Integer.BYTES, part(source, start, count));
      ints.clear().get(values, start, count);
    }
  }

  void read(NativeMemory source, float[] values, Copy download) {
    for (int start = 0; start < values.length; start += ELEMENTS) {
      int count = Math.min(ELEMENTS, values.length - start);
      download.run(address, count * Float.BYTES, part(source, start, count));
      floats.clear().get(values, start, count);
    }
  }

  private static NativeMemory part(NativeMemory memory, int start, int count) {
    return memory.slice((long) start * Integer.BYTES, (long) count * Integer.BYTES);
  }
}
