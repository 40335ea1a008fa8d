package org.coreinfer.spark;

import java.io.Serializable;
import java.net.URI;
import java.nio.file.Path;
import org.coreinfer.ComputeDevice;
import org.coreinfer.Model;
import org.jspecify.annotations.Nullable;

/**
 * Which model executors load, and how. Immutable. Each executor's process loads it once, when its
 * first task needs it, and keeps it until another one is asked for or the process ends.
 *
 * <p>Where Spark schedules GPUs ({@code spark.task.resource.gpu.amount}), a task computes on the
 * GPU that it was given. Elsewhere {@link ComputeDevice#AUTO} is the CPU on a cluster, as nobody
 * says which executor a GPU belongs to, and what the machine has with a {@code local} master.
 *
 * @param place where the model is
 * @param name path or file name; empty for the embedded model
 * @param calibration path of a calibration, found as {@code place} says; null for the one beside
 *     the model, if there is one
 * @param device where to compute
 * @param threads of the CPU; 0 for {@code spark.executor.cores} if that is set, else for all
 *     processors
 * @param contextLength most tokens of prompt and answer; 0 for the model's own, up to 4096
 * @param slots answers that an executor computes at once, for all of its tasks together
 */
public record ExecutorModel(
    Place place,
    String name,
    @Nullable String calibration,
    ComputeDevice device,
    int threads,
    int contextLength,
    int slots)
    implements Serializable {
  private static final int DEFAULT_SLOTS = 8;

  /** Where executors find a model. */
  public enum Place {
    /** At a path that every executor can read. */
    SHARED_PATH,
    /** Among the files that {@code SparkContext.addFile} sent. */
    ADDED_FILE,
    /** In the library's jar. */
    EMBEDDED
  }

  public ExecutorModel {
    if (place != Place.EMBEDDED && name.isBlank()) {
      throw new IllegalArgumentException("the model's path is empty");
    }
    require(threads >= 0 && threads <= 1024, "threads", threads, "0 (the executor's) to 1024");
    require(contextLength >= 0, "context", contextLength, "0 (the model's own) or more");
    require(slots >= 1, "slots", slots, "1 or more");
  }

  private static void require(boolean holds, String what, int value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s=%d: expected %s".formatted(what, value, expected));
    }
  }

  /**
   * A GGUF file or Hugging Face folder at a path that every executor can read; {@code file:} URIs
   * are paths, too.
   *
   * @throws IllegalArgumentException if it is the URI of another file system, from which weights
   *     can't be mapped
   */
  public static ExecutorModel at(String path) {
    return of(Place.SHARED_PATH, localPath(path));
  }

  /**
   * A file or folder that {@code SparkContext.addFile} sends to every executor.
   *
   * @param fileName the last part of the path that was added
   */
  public static ExecutorModel added(String fileName) {
    return of(Place.ADDED_FILE, fileName);
  }

  /** The small model in the library's jar. */
  public static ExecutorModel embedded() {
    return of(Place.EMBEDDED, "");
  }

  private static ExecutorModel of(Place place, String name) {
    return new ExecutorModel(place, name, null, ComputeDevice.AUTO, 0, 0, DEFAULT_SLOTS);
  }

  private static String localPath(String text) {
    if (!text.matches("[A-Za-z][A-Za-z0-9+.-]+:/.*")) {
      return text;
    }
    if (text.startsWith("file:")) {
      return Path.of(URI.create(text)).toString();
    }
    throw new IllegalArgumentException(
        "the model "
            + text
            + ": weights are mapped from a local or mounted path; send the file to the executors by"
            + " SparkContext.addFile and name it by ExecutorModel.added");
  }

  /** With a calibration that lies elsewhere than beside the model. */
  public ExecutorModel withCalibration(@Nullable String path) {
    return new ExecutorModel(place, name, path, device, threads, contextLength, slots);
  }

  public ExecutorModel withDevice(ComputeDevice other) {
    return new ExecutorModel(place, name, calibration, other, threads, contextLength, slots);
  }

  public ExecutorModel withThreads(int count) {
    return new ExecutorModel(place, name, calibration, device, count, contextLength, slots);
  }

  public ExecutorModel withContextLength(int tokens) {
    return new ExecutorModel(place, name, calibration, device, threads, tokens, slots);
  }

  public ExecutorModel withSlots(int count) {
    return new ExecutorModel(place, name, calibration, device, threads, contextLength, count);
  }

  /** How to load the model from where it was found; null is the embedded one. */
  Model.Builder builder(@Nullable Path found) {
    Model.Builder builder = found == null ? Model.embedded() : Model.builder(found);
    return contextLength == 0 ? builder : builder.contextLength(contextLength);
  }

  /** For messages. */
  @Override
  public String toString() {
    return place == Place.EMBEDDED ? "the embedded model" : "the model " + name;
  }
}
