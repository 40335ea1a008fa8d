package org.coreinfer.spark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.coreinfer.Model;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * The models of this process: one, as a rule, and one per GPU where tasks are given several. A
 * model is loaded when a task first needs it, shared by all tasks, kept for the next ones, and
 * closed when another one is asked for or the process ends. Thread-safe.
 */
final class Engines {
  private static final String CACHE = "org.bytedeco.javacpp.cachedir";
  private static final System.Logger LOGGER = System.getLogger(Engines.class.getName());
  private static final Engines OF_PROCESS = new Engines();

  /** What an engine was made for. */
  private record Key(ExecutorModel model, TaskDevice device) {}

  /** An engine, or the place for one that is being loaded. */
  private static final class Entry {
    volatile @Nullable Engine engine;
    int leases;
    boolean isDiscarded;
  }

  private final Map<Key, Entry> entries = new HashMap<>();
  private boolean isHooked;
  private boolean isEnding;

  private Engines() {}

  /** The right to use an engine. To be closed, once or more often. */
  static final class Lease implements AutoCloseable {
    private final Engine engine;
    private final Entry entry;
    private boolean isOver;

    private Lease(Engine engine, Entry entry) {
      this.engine = engine;
      this.entry = entry;
    }

    Engine engine() {
      return engine;
    }

    /** Lets nobody else have this engine, as its device failed. */
    void discard() {
      OF_PROCESS.discard(entry);
    }

    @Override
    public void close() {
      OF_PROCESS.release(this);
    }
  }

  /**
   * The engine for a task.
   *
   * @throws CoreInferException if the model can't be loaded here
   */
  static Lease lease(ExecutorModel model, TaskDevice device, SentFiles sent) {
    return OF_PROCESS.take(new Key(model, device), sent);
  }

  private Lease take(Key key, SentFiles sent) {
    Entry entry;
    synchronized (this) {
      if (isEnding) {
        throw new IllegalStateException("this process ends, and loads no more models");
      }
      hook();
      entry = entries.computeIfAbsent(key, k -> new Entry());
      entry.leases++;
    }
    closeOthers(key);
    try {
      synchronized (entry) { // others wait here while one loads
        Engine engine = entry.engine;
        if (engine == null) {
          engine = load(key, sent);
          entry.engine = engine;
        }
        return new Lease(engine, entry);
      }
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        entry.leases--;
      }
      throw e;
    }
  }

  private void hook() {
    if (!isHooked) {
      Runtime.getRuntime().addShutdownHook(new Thread(this::closeAll, "coreinfer-engines"));
      isHooked = true;
    }
  }

  /** Closes engines of other models that nobody uses. */
  private void closeOthers(Key key) {
    List<Engine> unused = new ArrayList<>();
    synchronized (this) {
      entries
          .entrySet()
          .removeIf(
              each -> {
                Entry entry = each.getValue();
                boolean goes = entry.leases == 0 && !each.getKey().model().equals(key.model());
                if (goes && entry.engine != null) {
                  unused.add(entry.engine);
                }
                return goes;
              });
    }
    unused.forEach(Engine::close);
  }

  private void discard(Entry entry) {
    synchronized (this) {
      entry.isDiscarded = true;
      entries.values().remove(entry);
    }
  }

  private void release(Lease lease) {
    Engine last = null;
    synchronized (this) {
      if (lease.isOver) {
        return;
      }
      lease.isOver = true;
      lease.entry.leases--;
      if (lease.entry.isDiscarded && lease.entry.leases == 0) {
        last = lease.engine;
      }
    }
    if (last != null) {
      last.close();
    }
  }

  private void closeAll() {
    List<Entry> all;
    synchronized (this) {
      isEnding = true;
      all = List.copyOf(entries.values());
      entries.clear();
    }
    all.stream().map(entry -> entry.engine).filter(Objects::nonNull).forEach(Engine::close);
  }

  // ---- loading ----

  private static Engine load(Key key, SentFiles sent) {
    ExecutorModel wanted = key.model();
    SparkConf conf = SparkEnv.get().conf();
    unpackOnOnesOwn(conf);
    boolean isEmbedded = wanted.place() == ExecutorModel.Place.EMBEDDED;
    Path path = isEmbedded ? null : find(wanted, wanted.name(), sent);
    Path calibrationFile = calibration(wanted, sent);
    int threads = wanted.threads() > 0 ? wanted.threads() : conf.getInt("spark.executor.cores", 0);
    Model.Builder builder =
        wanted
            .builder(path)
            .threads(threads)
            .device(key.device().device())
            .onCpuFallback(reason -> LOGGER.log(System.Logger.Level.INFO, reason));
    if (key.device().gpu() >= 0) {
      builder.gpu(key.device().gpu());
    }
    try {
      return new Engine(builder.load(), wanted.slots(), path, calibrationFile);
    } catch (CoreInferException e) {
      throw new CoreInferException(where() + ": " + e.getMessage(), e);
    }
  }

  /** The calibration that was named, or sent beside the model; null for what lies beside it. */
  private static @Nullable Path calibration(ExecutorModel wanted, SentFiles sent) {
    String named = wanted.calibration();
    if (named != null) {
      return find(wanted, named, sent);
    }
    return wanted.place() == ExecutorModel.Place.ADDED_FILE
        ? sent.find(wanted.name() + ".calibration", SparkEnv.get().conf())
        : null;
  }

  private static Path find(ExecutorModel wanted, String name, SentFiles sent) {
    if (wanted.place() == ExecutorModel.Place.ADDED_FILE) {
      Path path = sent.find(name, SparkEnv.get().conf());
      if (path == null) {
        throw new CoreInferException(
            "%s: no file '%s' was sent to it; send it by SparkContext.addFile before"
                .formatted(where(), name));
      }
      return path;
    }
    Path path = Path.of(name);
    if (!Files.exists(path)) {
      throw new CoreInferException(
          "%s: there is no model or calibration at %s; put it where every executor can read it, or send it by SparkContext.addFile and name it by ExecutorModel.added"
              .formatted(where(), path.toAbsolutePath()));
    }
    return path;
  }

  private static String where() {
    return "executor " + SparkEnv.get().executorId();
  }

  /**
   * Lets JavaCPP unpack the native libraries into a folder of this process's own, unless somebody
   * has chosen one: executors of one machine would be in each other's way in the usual one.
   */
  private static void unpackOnOnesOwn(SparkConf conf) {
    if (!TaskDevice.isAlone(conf) && System.getProperty(CACHE) == null) {
      System.setProperty(
          CACHE, Path.of(SparkFiles.getRootDirectory(), "javacpp").toAbsolutePath().toString());
    }
  }
}
