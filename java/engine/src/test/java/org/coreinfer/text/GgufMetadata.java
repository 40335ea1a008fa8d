package org.coreinfer.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.coreinfer.weights.Metadata;

/**
 * Reads the key-value section of sound GGUF files; the reader under test elsewhere is not needed
 * here.
 */
final class GgufMetadata {
  private static final int BOOLEAN = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  private GgufMetadata() {}

  static Metadata read(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer bytes =
          channel.map(MapMode.READ_ONLY, 0, channel.size()).order(ByteOrder.LITTLE_ENDIAN);
      bytes.position(16);
      long keys = bytes.getLong();
      Map<String, Object> values = new HashMap<>();
      for (long i = 0; i < keys; i++) {
        String key = string(bytes);
        values.put(key, value(bytes, bytes.getInt()));
      }
      return new Metadata(file.getFileName().toString(), values);
    }
  }

  private static Object value(ByteBuffer bytes, int type) {
    return switch (type) {
      case BOOLEAN -> bytes.get() != 0;
      case STRING -> string(bytes);
      case ARRAY -> array(bytes);
      case 6, 12 -> number(bytes, type);
      default -> integer(bytes, type);
    };
  }

  private static Object array(ByteBuffer bytes) {
    int type = bytes.getInt();
    int count = Math.toIntExact(bytes.getLong());
    if (type == STRING) {
      List<String> strings = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        strings.add(string(bytes));
      }
      return strings;
    }
    if (type == 6 || type == 12) {
      double[] numbers = new double[count];
      for (int i = 0; i < count; i++) {
        numbers[i] = number(bytes, type);
      }
      return numbers;
    }
    long[] integers = new long[count];
    for (int i = 0; i < count; i++) {
      integers[i] = integer(bytes, type);
    }
    return integers;
  }

  private static long integer(ByteBuffer bytes, int type) {
    return switch (type) {
      case 0 -> bytes.get() & 0xffL;
      case 1, BOOLEAN -> bytes.get();
      case 2 -> bytes.getShort() & 0xffffL;
      case 3 -> bytes.getShort();
      case 4 -> bytes.getInt() & 0xffffffffL;
      case 5 -> bytes.getInt();
      case 10, 11 -> bytes.getLong();
      default -> throw new IllegalArgumentException("value type " + type);
    };
  }

  private static double number(ByteBuffer bytes, int type) {
    return type == 6 ? bytes.getFloat() : bytes.getDouble();
  }

  private static String string(ByteBuffer bytes) {
    byte[] text = new byte[Math.toIntExact(bytes.getLong())];
    bytes.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }
}
