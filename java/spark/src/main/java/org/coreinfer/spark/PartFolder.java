package org.coreinfer.spark;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonSyntaxException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;

/**
 * A folder of answers in parts. Part 7 is the file {@code part-00007-…}, which Spark moves there
 * when its task is done: what is there is whole. Beside them {@code _coreinfer.json} says which job
 * they belong to; readers pass over files that begin so.
 */
final class PartFolder {
  private static final String MANIFEST = "_coreinfer.json";
  private static final Pattern PART = Pattern.compile("part-(\\d+)-.*");
  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();

  private final Path folder;
  private final FileSystem files;

  /**
   * What makes a job the same one.
   *
   * @param parts that its rows are divided into
   * @param rows of the input
   * @param content sum of the hashes of prompts and keys
   * @param options all that answers depend on
   */
  record Manifest(int parts, long rows, String content, String options) {}

  PartFolder(String folder, Configuration configuration) {
    this.folder = new Path(folder);
    try {
      this.files = this.folder.getFileSystem(configuration);
    } catch (IOException e) {
      throw new CoreInferException(folder + ": cannot be reached: " + e.getMessage(), e);
    }
  }

  /** What the folder was begun with; null if it is new. */
  @Nullable Manifest manifest() {
    Path file = new Path(folder, MANIFEST);
    try {
      if (!files.exists(file)) {
        if (files.exists(folder) && files.listStatus(folder).length > 0) {
          throw new CoreInferException(
              folder + ": has files of something else in it; name another folder for the answers");
        }
        return null;
      }
      try (InputStream in = files.open(file)) {
        String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        Manifest found = GSON.fromJson(text, Manifest.class);
        if (found == null || found.parts() < 1) {
          throw new CoreInferException(file + ": is broken; delete the folder to begin anew");
        }
        return found;
      }
    } catch (JsonSyntaxException e) {
      throw new CoreInferException(file + ": is broken; delete the folder to begin anew", e);
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Begins the folder. */
  void begin(Manifest manifest) {
    try (OutputStream out = files.create(new Path(folder, MANIFEST), true)) {
      out.write(GSON.toJson(manifest).getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new CoreInferException(folder + ": cannot be written: " + e.getMessage(), e);
    }
  }

  /** The parts that are there. */
  Set<Integer> done() {
    Set<Integer> done = new TreeSet<>();
    try {
      for (FileStatus file : files.listStatus(folder)) {
        Matcher name = PART.matcher(file.getPath().getName());
        if (name.matches()) {
          done.add(Integer.parseInt(name.group(1)));
        }
      }
      return done;
    } catch (IOException e) {
      throw new CoreInferException(folder + ": cannot be listed: " + e.getMessage(), e);
    }
  }
}
