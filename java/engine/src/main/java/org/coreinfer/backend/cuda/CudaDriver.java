package org.coreinfer.backend.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * NVIDIA's driver library, opened before anything that needs it: the presets' own libraries can't
 * even be loaded where it is missing.
 */
final class CudaDriver {
  private static final String LIBRARY = "libcuda.so.1";
  private static final Path CONFIGURED = Path.of("/etc/ld.so.conf.d");
  private static final List<String> USUAL =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/lib/x86_64-linux-gnu",
          "/usr/lib64",
          "/usr/lib",
          "/usr/local/nvidia/lib64",
          "/usr/local/cuda/compat",
          "/usr/lib/wsl/lib",
          "/run/opengl-driver/lib");

  private CudaDriver() {}

  /** Whether the system has the library at all. */
  static boolean isInstalled() {
    return !found().isEmpty();
  }

  /** Why the library can't be used; null once it is open. */
  static @Nullable String failure() {
    return Opened.FAILURE;
  }

  private static final class Opened {
    static final @Nullable String FAILURE = open();

    private static @Nullable String open() {
      String failure = "there is no NVIDIA driver (" + LIBRARY + ")";
      for (Path library : found()) {
        try {
          // By its name the linker finds it again, wherever it lies.
          System.load(library.toAbsolutePath().toString());
          return null;
        } catch (UnsatisfiedLinkError e) {
          failure = "the NVIDIA driver can't be opened: " + e.getMessage();
        }
      }
      return failure;
    }
  }

  private static List<Path> found() {
    Set<String> folders = new LinkedHashSet<>();
    folders.addAll(split(System.getenv("LD_LIBRARY_PATH")));
    folders.addAll(split(System.getProperty("java.library.path")));
    folders.addAll(configured());
    folders.addAll(USUAL);
    return folders.stream().map(folder -> Path.of(folder, LIBRARY)).filter(Files::exists).toList();
  }

  private static List<String> split(@Nullable String folders) {
    return folders == null
        ? List.of()
        : Stream.of(folders.split(File.pathSeparator, -1)).filter(f -> !f.isEmpty()).toList();
  }

  /** Folders that the dynamic linker was told of. */
  private static List<String> configured() {
    List<String> folders = new ArrayList<>();
    if (Files.isDirectory(CONFIGURED)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(CONFIGURED, "*.conf")) {
        for (Path file : files) {
          Files.readAllLines(file).stream()
              .map(String::strip)
              .filter(line -> line.startsWith("/"))
              .forEach(folders::add);
        }
      } catch (IOException e) {
        return folders; // what can't be read can't help
      }
    }
    return folders;
  }
}
