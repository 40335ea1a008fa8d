package org.coreinfer.cli;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.coreinfer.Calibrations;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.Cuda;
import org.coreinfer.backend.cuda.Gpu;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.model.MemoryPlan;
import org.jspecify.annotations.Nullable;

/** What {@code doctor} looks at, from the machine up to a generated token. */
final class HealthChecks {
  private static final String CACHE_OPTION =
      "set COREINFER_JAVA_OPTIONS=-Dorg.bytedeco.javacpp.cachedir=DIR to a folder of yours";
  private static final long LITTLE_MEMORY = 1L << 30;

  private HealthChecks() {}

  static List<Check> all() {
    return List.of(
        java(),
        system(),
        processors(),
        cacheFolder(),
        guarded("CPU library", HealthChecks::instructionSet),
        guarded("BLAS", HealthChecks::blas),
        guarded("CUDA", HealthChecks::cuda),
        guarded("cuBLAS", HealthChecks::cudaBlas),
        memory(),
        guarded("model", HealthChecks::embeddedModel));
  }

  /** A check that can't be made has failed. */
  private static Check guarded(String name, Supplier<Check> check) {
    try {
      return check.get();
    } catch (RuntimeException | LinkageError e) {
      return Check.fail(name, String.valueOf(e.getMessage()), "");
    }
  }

  private static Check java() {
    String detail = System.getProperty("java.version") + ", " + System.getProperty("java.home");
    return Runtime.version().feature() >= 17
        ? Check.ok("Java", detail)
        : Check.fail("Java", detail, "install JDK 17 or later");
  }

  private static Check system() {
    String detail =
        String.join(
            " ",
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch"));
    boolean isSupported = detail.startsWith("Linux") && detail.endsWith("amd64");
    return isSupported
        ? Check.ok("system", detail)
        : Check.fail("system", detail, "this build is for Linux on x86-64");
  }

  private static Check processors() {
    return Check.ok("processors", Runtime.getRuntime().availableProcessors() + " can be used");
  }

  /** Where JavaCPP unpacks the native libraries: it takes the first folder that it may write. */
  private static Check cacheFolder() {
    List<Path> folders =
        Stream.of(
                System.getProperty("org.bytedeco.javacpp.cachedir"),
                System.getProperty("org.bytedeco.javacpp.cacheDir"),
                System.getProperty("user.home") + "/.javacpp/cache",
                System.getProperty("java.io.tmpdir")
                    + "/.javacpp-"
                    + System.getProperty("user.name")
                    + "/cache")
            .filter(Objects::nonNull)
            .map(Path::of)
            .toList();
    for (Path folder : folders) {
      if (isUsable(folder.toFile())) {
        return folder.equals(folders.get(0))
            ? Check.ok("cache", folder.toString())
            : Check.warn(
                "cache",
                folders.get(0) + " can't be written, " + folder + " is used",
                CACHE_OPTION);
      }
    }
    return Check.fail("cache", "no folder for native libraries can be written", CACHE_OPTION);
  }

  private static boolean isUsable(File folder) {
    return (folder.isDirectory() || folder.mkdirs()) && folder.canWrite() && folder.canExecute();
  }

  private static Check instructionSet() {
    String best = Host.instructionSet();
    return best.equals("portable")
        ? Check.warn("CPU library", best, "a processor with AVX2 is several times as fast")
        : Check.ok("CPU library", best);
  }

  private static Check blas() {
    @Nullable String failure = Host.blasFailure();
    return failure == null
        ? Check.ok("BLAS", "OpenBLAS")
        : Check.warn("BLAS", failure, "prompts are read with a slower matrix product");
  }

  /** A machine without NVIDIA's driver lacks nothing: the CPU computes. */
  private static Check cuda() {
    Cuda.Status cuda = Cuda.status();
    Gpu gpu = cuda.gpu();
    if (gpu == null || !cuda.isUsable()) {
      String detail = "the CPU computes: " + cuda.failure();
      return cuda.hasDriver()
          ? Check.warn("CUDA", detail, cuda.advice())
          : Check.ok("CUDA", detail);
    }
    return Check.ok(
        "CUDA",
        "%s, %s of %s free%s; driver for CUDA %s, runtime %s"
            .formatted(
                gpu,
                MemoryPlan.size(Cuda.freeBytes(gpu)),
                MemoryPlan.size(gpu.bytes()),
                cuda.gpus().size() > 1 ? ", the one of " + cuda.gpus().size() + " in use" : "",
                version(cuda.driverVersion()),
                version(cuda.runtimeVersion())));
  }

  private static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }

  private static Check cudaBlas() {
    Cuda.Status cuda = Cuda.status();
    if (!cuda.isUsable()) {
      return Check.ok("cuBLAS", "not needed");
    }
    String failure = cuda.blasFailure();
    return failure == null
        ? Check.ok("cuBLAS", "reads prompts")
        : Check.warn(
            "cuBLAS",
            "our own slower kernels read prompts: " + failure,
            "install CUDA 13's cuBLAS (the package libcublas-13-0 of NVIDIA's repository)");
  }

  private static Check memory() {
    long available = MemoryPlan.availableNow();
    if (available < 0) {
      return Check.warn("memory", "how much is free is unknown", "");
    }
    String detail = MemoryPlan.size(available) + " are free";
    return available < LITTLE_MEMORY
        ? Check.warn("memory", detail, "enough for small models only; end other programs")
        : Check.ok("memory", detail);
  }

  private static Check embeddedModel() {
    try (Model model = Model.embedded().load();
        Session session = model.newSession(CoreOptions.defaults(Calibrations.of(null)))) {
      GenerationResult answer =
          session.generate(GenerationRequest.of("Once upon a time").maxTokens(8).build());
      return Check.ok(
          "model", "the embedded model says: Once upon a time" + answer.text().replace('\n', ' '));
    }
  }
}
