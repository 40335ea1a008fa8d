package org.coreinfer.weights;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The header of a GGUF file, version 2 or 3: metadata, and where each tensor lies. Follows ggml's
 * docs/gguf.md, and PowerInfer's variant, which differs in the magic.
 *
 * @param values where each key's value lies, in file order
 * @param tensors in file order
 */
record GgufHeader(Metadata metadata, Map<String, Range> values, List<TensorEntry> tensors) {
  /** The bytes of a value with the type before it, from the start of the file. */
  record Range(long begin, long end) {}

  private static final int MAX_NAME_LENGTH = 65_535;
  private static final int MAX_DIMENSIONS = 4;
  private static final int LEAST_KEY_BYTES = 8 + 4 + 1;
  private static final int LEAST_TENSOR_BYTES = 8 + 4 + 4 + 8;
  private static final long DEFAULT_ALIGNMENT = 32;

  static GgufHeader read(String source, NativeMemory file) {
    return new Reader(source, file).read();
  }

  private static final class Reader {
    private final String source;
    private final HeapBudget budget;
    private final GgufCursor cursor;
    private final long fileBytes;
    private final Map<String, Range> ranges = new LinkedHashMap<>();

    Reader(String source, NativeMemory file) {
      this.source = source;
      this.budget = new HeapBudget(source);
      this.cursor = new GgufCursor(source, file, budget);
      this.fileBytes = file.bytes();
    }

    GgufHeader read() {
      cursor.int32(); // the magic
      requireVersion(cursor.int32());
      long tensorCount = cursor.count("tensors", LEAST_TENSOR_BYTES);
      long keyCount = cursor.count("metadata keys", LEAST_KEY_BYTES);
      Metadata metadata = metadata(keyCount);
      requireWhole(metadata);
      List<TensorInfo> infos = infos(tensorCount);
      return new GgufHeader(metadata, ranges, place(infos, alignment(metadata)));
    }

    private void requireVersion(int version) {
      int swapped = Integer.reverseBytes(version);
      if (swapped >= 1 && swapped <= 3) {
        throw cursor.wrong("a big-endian GGUF file; only little-endian files are supported");
      }
      if (version != 2 && version != 3) {
        throw cursor.wrong(
            "GGUF version "
                + Integer.toUnsignedString(version)
                + " is not supported, only 2 and 3");
      }
    }

    private Metadata metadata(long count) {
      Map<String, Object> values = new LinkedHashMap<>();
      for (long i = 0; i < count; i++) {
        cursor.enter("metadata key " + i);
        String key = name();
        cursor.enter("metadata " + Printable.of(key));
        budget.chargeEntry();
        long begin = cursor.position();
        GgufValueType type = valueType();
        Object value = type == GgufValueType.ARRAY ? array() : scalar(type);
        ranges.put(key, new Range(begin, cursor.position()));
        if (values.put(key, value) != null) {
          throw cursor.wrong("the key appears twice");
        }
      }
      return new Metadata(source, values);
    }

    private String name() {
      String name = cursor.string();
      if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
        throw cursor.wrong("a name of " + name.length() + " characters");
      }
      return name;
    }

    private GgufValueType valueType() {
      int code = cursor.int32();
      @Nullable GgufValueType type = GgufValueType.of(code);
      if (type == null) {
        throw cursor.wrong("unknown value type " + Integer.toUnsignedString(code));
      }
      return type;
    }

    private Object scalar(GgufValueType type) {
      return switch (type) {
        case FLOAT32, FLOAT64 -> number(type);
        case BOOL -> cursor.bool();
        case STRING -> cursor.string();
        default -> integer(type);
      };
    }

    private Object array() {
      GgufValueType type = valueType();
      if (type == GgufValueType.ARRAY) {
        throw cursor.wrong("arrays of arrays are not supported");
      }
      long count = cursor.count("array elements", type.leastBytes());
      if (type == GgufValueType.STRING) {
        return strings(count);
      }
      budget.chargeNumbers(count);
      return switch (type) {
        case FLOAT32, FLOAT64 -> numbers(type, (int) count);
        case BOOL -> flags((int) count);
        default -> integers(type, (int) count);
      };
    }

    private List<String> strings(long count) {
      List<String> strings = new ArrayList<>(); // grows with what is really there
      for (long i = 0; i < count; i++) {
        strings.add(cursor.string());
      }
      return List.copyOf(strings);
    }

    private long[] integers(GgufValueType type, int count) {
      long[] integers = new long[count];
      for (int i = 0; i < count; i++) {
        integers[i] = integer(type);
      }
      return integers;
    }

    private double[] numbers(GgufValueType type, int count) {
      double[] numbers = new double[count];
      for (int i = 0; i < count; i++) {
        numbers[i] = number(type);
      }
      return numbers;
    }

    private boolean[] flags(int count) {
      boolean[] flags = new boolean[count];
      for (int i = 0; i < count; i++) {
        flags[i] = cursor.bool();
      }
      return flags;
    }

    private double number(GgufValueType type) {
      return type == GgufValueType.FLOAT32 ? cursor.float32() : cursor.float64();
    }

    private long integer(GgufValueType type) {
      return switch (type) {
        case UINT8 -> Byte.toUnsignedLong(cursor.int8());
        case INT8 -> cursor.int8();
        case UINT16 -> Short.toUnsignedLong(cursor.int16());
        case INT16 -> cursor.int16();
        case UINT32 -> Integer.toUnsignedLong(cursor.int32());
        case INT32 -> cursor.int32();
        case UINT64 -> cursor.uint64();
        case INT64 -> cursor.int64();
        default -> throw new IllegalArgumentException(type + " is not an integer");
      };
    }

    private void requireWhole(Metadata metadata) {
      int parts = metadata.integer("split.count", 1);
      if (parts > 1) {
        throw new ModelFormatException(
            source
                + ": one of "
                + parts
                + " parts of a split model; merge them with llama-gguf-split --merge");
      }
    }

    private long alignment(Metadata metadata) {
      long alignment = metadata.integer("general.alignment", (int) DEFAULT_ALIGNMENT);
      if (alignment < 1 || Long.bitCount(alignment) != 1) {
        throw new ModelFormatException(
            source + ": metadata general.alignment: " + alignment + " is not a power of two");
      }
      return alignment;
    }

    private List<TensorInfo> infos(long count) {
      List<TensorInfo> infos = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (long i = 0; i < count; i++) {
        cursor.enter("tensor " + i);
        String name = name();
        cursor.enter("tensor " + Printable.of(name));
        budget.chargeEntry();
        if (!names.add(name)) {
          throw cursor.wrong("the tensor appears twice");
        }
        long[] shape = shape();
        infos.add(new TensorInfo(name, shape, cursor.int32(), cursor.uint64()));
      }
      return infos;
    }

    /** Outermost dimension first, without the leading ones by which ggml fills up a shape. */
    private long[] shape() {
      int dimensions = cursor.int32();
      if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
        throw cursor.wrong(
            Integer.toUnsignedString(dimensions)
                + " dimensions, expected at most "
                + MAX_DIMENSIONS);
      }
      long[] lengths = new long[dimensions];
      int kept = 0;
      for (int i = 0; i < dimensions; i++) {
        lengths[i] = cursor.uint64();
        if (i < 2 || lengths[i] != 1) {
          kept = i + 1;
        }
      }
      long[] shape = new long[kept];
      for (int i = 0; i < kept; i++) {
        shape[i] = lengths[kept - 1 - i];
      }
      return shape;
    }

    private List<TensorEntry> place(List<TensorInfo> infos, long alignment) {
      long dataBegin = (cursor.position() + alignment - 1) & -alignment;
      List<TensorEntry> entries = new ArrayList<>(infos.size());
      for (TensorInfo info : infos) {
        cursor.enter("tensor " + Printable.of(info.name));
        entries.add(place(info, alignment, dataBegin));
      }
      TensorTable.requireDisjoint(source, entries);
      return entries;
    }

    private TensorEntry place(TensorInfo info, long alignment, long dataBegin) {
      if (info.offset % alignment != 0) {
        throw cursor.wrong("the offset " + info.offset + " is not a multiple of " + alignment);
      }
      @Nullable GgmlType type = GgmlType.of(info.type);
      long bytes = type == null ? 0 : bytes(info.shape, type);
      long available = fileBytes - dataBegin;
      if (info.offset > available || bytes > available - info.offset) {
        throw cursor.wrong(
            bytes
                + " bytes at offset "
                + info.offset
                + " lie outside of the file's "
                + available
                + " bytes of data");
      }
      long begin = dataBegin + info.offset;
      return TensorEntry.of(
          info.name,
          type == null ? "number " + Integer.toUnsignedString(info.type) : type.name(),
          type == null ? null : type.dtype(),
          info.shape,
          begin,
          begin + bytes);
    }

    private long bytes(long[] shape, GgmlType type) {
      long rowLength = shape.length == 0 ? 1 : shape[shape.length - 1];
      if (rowLength % type.blockSize() != 0) {
        throw cursor.wrong(
            "a row of "
                + rowLength
                + " elements, expected a multiple of "
                + type.blockSize()
                + " for "
                + type);
      }
      try {
        long bytes = Math.multiplyExact(rowLength / type.blockSize(), (long) type.blockBytes());
        for (int i = 0; i < shape.length - 1; i++) {
          bytes = Math.multiplyExact(bytes, shape[i]);
        }
        return bytes;
      } catch (ArithmeticException e) {
        throw cursor.wrong("its size overflows");
      }
    }
  }

  /** A tensor before its place in the file is known. */
  private static final class TensorInfo {
    private final String name;
    private final long[] shape;
    private final int type;
    private final long offset;

    TensorInfo(String name, long[] shape, int type, long offset) {
      this.name = name;
      this.shape = shape;
      this.type = type;
      this.offset = offset;
    }
  }
}
