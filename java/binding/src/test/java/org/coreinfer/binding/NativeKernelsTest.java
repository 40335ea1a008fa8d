package org.coreinfer.binding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NativeKernelsTest {
  private static final Path HEADERS = Path.of("../../include/coreinfer");

  @ParameterizedTest
  @CsvSource({"kernels.h, NativeKernels", "cuda.h, NativeCudaKernels"})
  void anInterfaceHasExactlyTheFunctionsOfItsHeader(String header, String name) throws Exception {
    Class<?> bound = Class.forName("org.coreinfer.binding." + name);
    assertEquals(declared(header), names(bound.getDeclaredMethods()));
  }

  @ParameterizedTest
  @CsvSource({"CpuKernels, kernels.h host.h", "CudaKernels, kernels.h cuda.h"})
  void aLibraryHasExactlyTheFunctionsOfItsHeaders(String name, String headers) throws Exception {
    Set<String> wanted = new TreeSet<>();
    for (String header : headers.split(" ", -1)) {
      wanted.addAll(declared(header));
    }
    // Not initialised: that would load the library.
    Class<?> generated =
        Class.forName("org.coreinfer.binding." + name, false, getClass().getClassLoader());
    assertEquals(wanted, names(generated.getDeclaredMethods()));
  }

  private static Set<String> declared(String header) throws IOException {
    Set<String> names = new TreeSet<>();
    Matcher function =
        Pattern.compile("^(?:int32_t|const char\\*) (ci_\\w+)\\(", Pattern.MULTILINE)
            .matcher(Files.readString(HEADERS.resolve(header)));
    while (function.find()) {
      names.add(function.group(1));
    }
    assertTrue(names.size() > 3, header);
    return names;
  }

  private static Set<String> names(Method[] methods) {
    return Arrays.stream(methods)
        .map(Method::getName)
        .filter(name -> name.startsWith("ci_"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void failuresAreStatusCodesWithASentence() {
    CpuKernels kernels = new CpuKernels();
    assertEquals(CpuKernels.CI_INVALID_ARGUMENT, kernels.ci_context_create(0, new long[1]));
    assertTrue(kernels.ci_error_message().contains("threads"), kernels.ci_error_message());
  }

  @Test
  void aContextTellsWhatItIs() {
    CpuKernels kernels = new CpuKernels();
    long[] context = new long[1];
    assertEquals(CpuKernels.CI_OK, kernels.ci_context_create(2, context));
    assertTrue(kernels.ci_context_description(context[0]).contains("2"));
    assertEquals(CpuKernels.CI_OK, kernels.ci_context_synchronize(context[0]));
    assertEquals(CpuKernels.CI_OK, kernels.ci_context_destroy(context[0]));
  }

  @Test
  void bothLibrariesLiveInOneProcessWithTheirOwnFunctions() {
    assumeTrue(isLinked("CudaKernels"), "this build has no CUDA library: nvcc was not found");
    CpuKernels cpu = new CpuKernels();
    CudaKernels cuda = new CudaKernels();
    assertEquals(CpuKernels.CI_INVALID_ARGUMENT, cpu.ci_context_create(0, new long[1]));
    String sentence = cpu.ci_error_message();
    assertEquals(CudaKernels.CI_INVALID_ARGUMENT, cuda.ci_add(0, 0, 1, 0));
    assertTrue(cuda.ci_error_message().contains("ci_add"), cuda.ci_error_message());
    assertEquals(sentence, cpu.ci_error_message());
  }

  private static boolean isLinked(String name) {
    return CpuKernels.class.getResource("linux-x86_64/libjni" + name + ".so") != null;
  }
}
