package org.coreinfer.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.DType;
import org.coreinfer.weights.WeightFile;

/**
 * What a model with one session needs, and what the machine has; all in bytes.
 *
 * @param mapped the file, which the system can drop and read again
 * @param copied weights that are stored anew
 * @param cache keys and values of one session
 * @param scratch activations of one session
 * @param available what can be allocated now; -1 if unknown
 * @param context tokens of a session
 */
public record MemoryPlan(
    String model, long mapped, long copied, long cache, long scratch, long available, int context) {
  private static final Pattern SIZE =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGT]?)(?:i?B)?", Pattern.CASE_INSENSITIVE);
  private static final Path MEMORY_INFO = Path.of("/proc/meminfo");
  private static final Path CONTAINER_LIMIT = Path.of("/sys/fs/cgroup/memory.max");
  private static final Path CONTAINER_USE = Path.of("/sys/fs/cgroup/memory.current");

  /** Plans for sequences of {@code context} tokens, read {@code chunk} tokens at once. */
  public static MemoryPlan of(
      WeightFile file, ModelLoader loader, int context, int chunk, DType cacheDtype) {
    ModelConfig config = loader.config();
    return new MemoryPlan(
        file.name(),
        file.bytes(),
        loader.copiedBytes(),
        DecoderState.cacheBytes(config, context, cacheDtype),
        DecoderState.scratchBytes(config, context, chunk),
        availableNow(),
        context);
  }

  /**
   * Plans a model whose computing is a device's: what it takes of the machine.
   *
   * @param pinned weights that stay in the machine's memory
   */
  public static MemoryPlan besideDevice(WeightFile file, long pinned, int context) {
    return new MemoryPlan(file.name(), file.bytes(), pinned, 0, 0, availableNow(), context);
  }

  /** What must be allocated, as it can't be read from the file again. */
  public long needed() {
    return copied + cache + scratch;
  }

  /** Whether there is room for all of the file, too, so that reading it ahead is of use. */
  public boolean keepsFile() {
    return available < 0 || mapped + needed() <= available;
  }

  /**
   * Fails early, before anything is allocated.
   *
   * @throws OutOfNativeMemoryException if the machine has less than {@link #needed}
   */
  public void refuseIfTooLarge() {
    if (available >= 0 && needed() > available) {
      throw new OutOfNativeMemoryException(
          "%s needs %s of memory (%s of weights, %s for a context of %d tokens) and %s are free: use a smaller context or model"
              .formatted(
                  model,
                  size(needed()),
                  size(copied),
                  size(cache + scratch),
                  context,
                  size(available)));
    }
  }

  /**
   * Reads a size such as {@code 7.3G}, {@code 800M} or {@code 12GiB}; K, M, G and T are powers of
   * 1024.
   *
   * @throws IllegalArgumentException if it is none, or 0
   */
  public static long parseSize(String text) {
    Matcher size = SIZE.matcher(text.strip());
    if (size.matches()) {
      String unit = size.group(2).toUpperCase(Locale.ROOT);
      int power = unit.isEmpty() ? 0 : "KMGT".indexOf(unit) + 1;
      double bytes = Double.parseDouble(size.group(1)) * Math.pow(1024, power);
      if (bytes >= 1 && bytes < Long.MAX_VALUE) {
        return (long) bytes;
      }
    }
    throw new IllegalArgumentException(text + ": expected a size such as 7.3G or 800M");
  }

  /** A size for people. */
  public static String size(long bytes) {
    if (bytes < 1L << 20) {
      return String.format(Locale.ROOT, "%.1f KiB", bytes / (double) (1L << 10));
    }
    return bytes < 1L << 30
        ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1L << 20))
        : String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
  }

  /** What can be allocated now; -1 if unknown. */
  public static long availableNow() {
    long system = meminfo("MemAvailable:");
    long limit = number(CONTAINER_LIMIT);
    long used = number(CONTAINER_USE);
    if (limit < 0 || used < 0) {
      return system;
    }
    long left = Math.max(0, limit - used);
    return system < 0 ? left : Math.min(system, left);
  }

  private static long meminfo(String key) {
    try {
      List<String> lines =
          Files.isReadable(MEMORY_INFO) ? Files.readAllLines(MEMORY_INFO) : List.of();
      for (String line : lines) {
        if (line.startsWith(key)) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return -1; // no such file on this system: the plan goes without
    }
    return -1;
  }

  /** The number in a file of the control group; -1 where there is none, or no limit ("max"). */
  private static long number(Path file) {
    try {
      return Files.isReadable(file) ? Long.parseLong(Files.readString(file).strip()) : -1;
    } catch (IOException | NumberFormatException e) {
      return -1;
    }
  }
}
