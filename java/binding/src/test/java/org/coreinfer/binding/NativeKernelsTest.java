package org.coreinfer.binding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class NativeKernelsTest {
  private static final Path HEADER = Path.of("../../include/coreinfer/kernels.h");

  @Test
  void theInterfaceHasExactlyTheFunctionsOfTheHeader() throws IOException {
    TreeSet<String> declared = new TreeSet<>();
    Matcher function =
        Pattern.compile("^(?:int32_t|const char\\*) (ci_\\w+)\\(", Pattern.MULTILINE)
            .matcher(Files.readString(HEADER));
    while (function.find()) {
      declared.add(function.group(1));
    }
    TreeSet<String> bound =
        Arrays.stream(NativeKernels.class.getMethods())
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(declared, bound);
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
    assertEquals(CpuKernels.CI_OK, kernels.ci_context_destroy(context[0]));
  }
}
