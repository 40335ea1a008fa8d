package org.coreinfer.weights;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The header of one safetensors file: the length of a JSON text, the text, then the data that it
 * describes, without holes.
 *
 * @param tensors in file order
 * @param metadata the free text under {@code __metadata__}
 */
record SafetensorsFile(List<TensorEntry> tensors, Map<String, String> metadata) {
  static final long MAX_HEADER_BYTES = 100_000_000;

  private static final String METADATA_KEY = "__metadata__";
  private static final int LENGTH_BYTES = 8;
  private static final Map<String, Integer> BYTES_PER_ELEMENT =
      Map.ofEntries(
          Map.entry("BOOL", 1),
          Map.entry("U8", 1),
          Map.entry("I8", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E8M0", 1),
          Map.entry("I16", 2),
          Map.entry("U16", 2),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("I32", 4),
          Map.entry("U32", 4),
          Map.entry("F32", 4),
          Map.entry("I64", 8),
          Map.entry("U64", 8),
          Map.entry("F64", 8),
          Map.entry("C64", 8));
  private static final Map<String, DType> DTYPES =
      Map.of("F32", DType.F32, "F16", DType.F16, "BF16", DType.BF16);

  /**
   * Reads and checks a header.
   *
   * @param source the file's name, for messages
   */
  static SafetensorsFile read(String source, NativeMemory file) {
    if (file.bytes() < LENGTH_BYTES) {
      throw new ModelFormatException(source + ": too short for a safetensors file");
    }
    long headerBytes = file.buffer(0, LENGTH_BYTES).getLong();
    if (headerBytes < 0
        || headerBytes > MAX_HEADER_BYTES
        || headerBytes > file.bytes() - LENGTH_BYTES) {
      throw new ModelFormatException(
          source
              + ": a header of "
              + Long.toUnsignedString(headerBytes)
              + " bytes in a file of "
              + file.bytes()
              + " bytes; the file is cut short or not a safetensors file");
    }
    ByteBuffer header = file.buffer(LENGTH_BYTES, (int) headerBytes);
    long dataBegin = LENGTH_BYTES + headerBytes;
    Header parser = new Header(source, dataBegin, file.bytes() - dataBegin);
    SafetensorsFile parsed = StrictJson.parse(new BufferInputStream(header), source, parser::read);
    parser.requireFilled(parsed.tensors);
    return parsed;
  }

  private static final class Header {
    private final String source;
    private final long dataBegin;
    private final long dataBytes;
    private final HeapBudget budget;

    Header(String source, long dataBegin, long dataBytes) {
      this.source = source;
      this.dataBegin = dataBegin;
      this.dataBytes = dataBytes;
      this.budget = new HeapBudget(source);
    }

    SafetensorsFile read(JsonReader reader) throws IOException {
      List<TensorEntry> tensors = new ArrayList<>();
      Set<String> names = new HashSet<>();
      Map<String, String> metadata = Map.of();
      reader.beginObject();
      while (reader.hasNext()) {
        String name = name(reader);
        if (!names.add(name)) {
          throw StrictJson.duplicate(name);
        }
        if (name.equals(METADATA_KEY)) {
          metadata = metadata(reader);
        } else {
          tensors.add(tensor(name, reader));
        }
      }
      reader.endObject();
      return new SafetensorsFile(tensors, metadata);
    }

    private Map<String, String> metadata(JsonReader reader) throws IOException {
      Map<String, String> metadata = new LinkedHashMap<>();
      reader.beginObject();
      while (reader.hasNext()) {
        String key = name(reader);
        requireToken(reader, JsonToken.STRING, METADATA_KEY, key);
        String value = reader.nextString();
        budget.chargeString(value.length());
        if (metadata.put(key, value) != null) {
          throw StrictJson.duplicate(key);
        }
      }
      reader.endObject();
      return metadata;
    }

    private TensorEntry tensor(String name, JsonReader reader) throws IOException {
      @Nullable String dtype = null;
      long @Nullable [] shape = null;
      long @Nullable [] offsets = null;
      Set<String> fields = new HashSet<>();
      requireToken(reader, JsonToken.BEGIN_OBJECT, name, "its description");
      reader.beginObject();
      while (reader.hasNext()) {
        String field = name(reader);
        if (!fields.add(field)) {
          throw wrong(name, "the field " + Printable.of(field) + " appears twice");
        }
        switch (field) {
          case "dtype" -> {
            requireToken(reader, JsonToken.STRING, name, field);
            dtype = reader.nextString();
          }
          case "shape" -> shape = naturals(reader, name, field);
          case "data_offsets" -> offsets = naturals(reader, name, field);
          default -> reader.skipValue();
        }
      }
      reader.endObject();
      if (dtype == null || shape == null || offsets == null) {
        throw wrong(name, "dtype, shape or data_offsets is missing");
      }
      return place(name, dtype, shape, offsets);
    }

    private TensorEntry place(String name, String dtype, long[] shape, long[] offsets) {
      if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
        throw wrong(
            name,
            "data_offsets "
                + Printable.of(Arrays.toString(offsets))
                + " are no range within the file's "
                + dataBytes
                + " bytes of data");
      }
      @Nullable Integer elementBytes = BYTES_PER_ELEMENT.get(dtype);
      if (elementBytes != null) {
        long expected = bytes(name, shape, elementBytes);
        long found = offsets[1] - offsets[0];
        if (expected != found) {
          throw wrong(
              name, "expected " + expected + " bytes for its shape and dtype, found " + found);
        }
      }
      return TensorEntry.of(
          name,
          Printable.of(dtype),
          DTYPES.get(dtype),
          shape,
          dataBegin + offsets[0],
          dataBegin + offsets[1]);
    }

    private long bytes(String name, long[] shape, int elementBytes) {
      long bytes = elementBytes;
      try {
        for (long dimension : shape) {
          bytes = Math.multiplyExact(bytes, dimension);
        }
      } catch (ArithmeticException e) {
        throw wrong(name, "the size of its shape overflows");
      }
      return bytes;
    }

    private long[] naturals(JsonReader reader, String name, String field) throws IOException {
      List<Long> numbers = new ArrayList<>();
      requireToken(reader, JsonToken.BEGIN_ARRAY, name, field);
      reader.beginArray();
      while (reader.hasNext()) {
        requireToken(reader, JsonToken.NUMBER, name, field);
        budget.chargeNumbers(3);
        numbers.add(natural(reader.nextString(), name, field));
      }
      reader.endArray();
      return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    private long natural(String digits, String name, String field) {
      try {
        long number = Long.parseLong(digits);
        if (number >= 0) {
          return number;
        }
      } catch (NumberFormatException e) {
        // Reported below: a fraction, an exponent, or too many digits.
      }
      throw wrong(name, field + ": expected a whole number in range, found " + digits);
    }

    private String name(JsonReader reader) throws IOException {
      String name = reader.nextName();
      budget.chargeEntry();
      budget.chargeString(name.length());
      return name;
    }

    private void requireToken(JsonReader reader, JsonToken expected, String name, String field)
        throws IOException {
      JsonToken found = reader.peek();
      if (found != expected) {
        throw wrong(name, Printable.of(field) + ": expected " + expected + ", found " + found);
      }
    }

    /** Refuses data that two tensors share, or that none describes. */
    void requireFilled(List<TensorEntry> tensors) {
      TensorTable.requireDisjoint(source, tensors);
      long described = 0;
      for (TensorEntry tensor : tensors) {
        described += tensor.end() - tensor.begin();
      }
      if (described != dataBytes) {
        throw new ModelFormatException(
            source + ": " + dataBytes + " bytes of data, but the header describes " + described);
      }
    }

    private ModelFormatException wrong(String name, String what) {
      return new ModelFormatException(source + ": " + Printable.of(name) + ": " + what);
    }
  }

  /** The rest of a buffer as a stream. */
  private static final class BufferInputStream extends InputStream {
    private final ByteBuffer buffer;

    BufferInputStream(ByteBuffer buffer) {
      this.buffer = buffer;
    }

    @Override
    public int read() {
      return buffer.hasRemaining() ? Byte.toUnsignedInt(buffer.get()) : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) {
      if (!buffer.hasRemaining()) {
        return -1;
      }
      int count = Math.min(length, buffer.remaining());
      buffer.get(bytes, offset, count);
      return count;
    }
  }
}
