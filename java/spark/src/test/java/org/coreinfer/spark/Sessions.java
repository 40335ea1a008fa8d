package org.coreinfer.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/**
 * Spark for the tests: one session at a time, as a process can have no more, started when a test
 * first wants one of its kind.
 */
final class Sessions {
  static final String LOCAL = "local[2]";

  private static @Nullable SparkSession current;
  private static String master = "";

  private Sessions() {}

  static SparkSession local() {
    return of(LOCAL);
  }

  /** So many workers, each with an executor of one core: processes of their own. */
  static SparkSession cluster(int executors) {
    return of("local-cluster[%d,1,2048]".formatted(executors));
  }

  static SparkSession cluster() {
    return cluster(2);
  }

  private static synchronized SparkSession of(String wanted) {
    SparkSession known = current;
    if (known != null && wanted.equals(master)) {
      return known;
    }
    if (known != null) {
      known.stop();
    }
    Path target = Path.of(System.getProperty("basedir", "."), "target").toAbsolutePath();
    SparkSession.Builder builder =
        SparkSession.builder()
            .master(wanted)
            .appName("tests")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.sql.codegen.wholeStage", "false") // compiling takes longer than it saves
            .config("spark.sql.warehouse.dir", target.resolve("warehouse").toString())
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1");
    if (!wanted.equals(LOCAL)) {
      builder
          .config("spark.executor.memory", "512m")
          .config("spark.executor.extraJavaOptions", "-XX:TieredStopAtLevel=1")
          .config("spark.executor.extraClassPath", installed(target.resolve("spark-home")));
    }
    SparkSession started = builder.getOrCreate();
    current = started;
    master = wanted;
    return started;
  }

  /**
   * Makes the folder that workers start executors from, with the jars of this process.
   *
   * @return a class path of what is no jar
   */
  private static String installed(Path home) {
    Path jars = home.resolve("jars");
    List<String> folders = new ArrayList<>();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    try {
      Files.createDirectories(jars);
      for (String each : classPath.split(":", -1)) {
        Path path = Path.of(each).toAbsolutePath();
        Path link = jars.resolve(path.getFileName());
        if (!each.endsWith(".jar")) {
          folders.add(path.toString());
        } else if (!Files.exists(link)) {
          Files.deleteIfExists(link); // which may lead to what is gone
          Files.createSymbolicLink(link, path);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return String.join(":", folders);
  }
}
