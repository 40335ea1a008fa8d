package org.coreinfer.spark;

import java.io.File;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkFiles;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.util.Utils;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The files that {@code SparkContext.addFile} sends. Executors have them as a rule, but Spark 4.2
 * does not bring them for the jobs of datasets; then they are fetched here, as Spark would do it.
 *
 * @param uris where the driver offers them
 */
record SentFiles(List<String> uris) implements Serializable {
  /** Those of an application so far. */
  static SentFiles of(SparkContext context) {
    return new SentFiles(new ArrayList<>(CollectionConverters.asJava(context.listFiles())));
  }

  /** A file's path on this executor; null if no file of that name was sent. */
  @Nullable Path find(String name, SparkConf conf) {
    Path there = Path.of(SparkFiles.get(name)).normalize();
    if (Files.exists(there)) {
      return there;
    }
    Optional<String> uri = uris.stream().filter(each -> each.endsWith("/" + name)).findFirst();
    if (uri.isEmpty()) {
      return null;
    }
    File folder = new File(SparkFiles.getRootDirectory());
    Utils.fetchFile(
        uri.get(), folder, conf, SparkHadoopUtil.get().newConfiguration(conf), 0, false, false);
    return Files.exists(there) ? there : null;
  }
}
