package org.coreinfer.cli;

import static org.coreinfer.model.MemoryPlan.size;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Lays out a {@link ShowReport} for people: a name, then facts, line by line. */
final class ShowText {
  private final StringBuilder text = new StringBuilder();

  private ShowText() {}

  static String of(ShowReport report) {
    ShowText text = new ShowText();
    text.architecture(report);
    text.storage(report);
    text.reads(report.perToken());
    text.memory(report.memory());
    text.gpuMemory(report.gpuMemory());
    return text.text.toString();
  }

  private void architecture(ShowReport report) {
    ShowReport.Sizes sizes = report.architecture();
    line("model", "%s, %s", report.model(), size(report.fileBytes()));
    line(
        "architecture",
        "%s: %d layers, dim %d, made for %d tokens",
        sizes.name(),
        sizes.layers(),
        sizes.dim(),
        sizes.contextLength());
    line(
        "attention",
        "%d heads of %d, %d for keys and values%s",
        sizes.heads(),
        sizes.headDim(),
        sizes.kvHeads(),
        sizes.window() > 0 ? ", a window of " + sizes.window() + " tokens" : "");
    line(
        "FFN",
        "%d neurons per layer, %s%s",
        sizes.neurons(),
        sizes.activation(),
        sizes.isGated() ? ", gated" : "");
    ShowReport.Words words = report.tokenizer();
    line(
        "tokenizer",
        "%d tokens; a text starts with %s, an answer ends with %s",
        words.vocabulary(),
        orNone(words.bos()),
        words.end().isEmpty() ? "none" : words.end().toString().replaceAll("[\\[\\]]", ""));
  }

  private static String orNone(@Nullable Integer token) {
    return token == null ? "none" : token.toString();
  }

  private void storage(ShowReport report) {
    for (ShowReport.Storage storage : report.dtypes()) {
      line(storage.dtype(), "%d tensors, %s", storage.tensors(), size(storage.bytes()));
    }
    report.unsupported().forEach((name, why) -> line("unsupported", "%s: %s", name, why));
  }

  private void reads(ShowReport.Reads reads) {
    line(
        "a dense token",
        "reads %s, %.1f %% of it FFN",
        size(reads.denseBytes()),
        100 * reads.ffnShare());
    line(
        "at keep " + reads.keep(),
        "reads %s: at most %.2f times as fast",
        size(reads.coreBytes()),
        reads.speedupLimit());
  }

  private void memory(ShowReport.Memory memory) {
    line(
        "memory",
        "%s to allocate: %s of weights, %s of %s keys and values for %d tokens, %s of scratch",
        size(memory.needed()),
        size(memory.copied()),
        size(memory.cache()),
        memory.cacheDtype(),
        memory.context(),
        size(memory.scratch()));
    line(
        "",
        "%s mapped from disk; %s",
        size(memory.mapped()),
        memory.available() < 0
            ? "free memory is unknown"
            : size(memory.available())
                + " are free: "
                + (memory.needed() <= memory.available() ? "it fits" : "too little"));
  }

  private void gpuMemory(ShowReport.@Nullable GpuMemory gpu) {
    if (gpu == null) {
      return;
    }
    line(
        "GPU memory",
        "%s of %s: %s fixed, %s of keys and values, %s of scratch, %s of FFN weights",
        size(gpu.needed()),
        size(gpu.limit()),
        size(gpu.fixed()),
        size(gpu.cache()),
        size(gpu.scratch()),
        size(gpu.residentFfn()));
    if (!gpu.streamedLayers().isEmpty()) {
      line(
          "",
          "%d layers' FFN, %s, stay in host memory: %s to stream them, %s for their core neurons",
          gpu.streamedLayers().size(),
          size(gpu.streamedFfn()),
          size(gpu.staging()),
          size(gpu.packedFfn()));
    }
    Double most = gpu.tokensPerSecond();
    line(
        "",
        "a token reads %s there and %s over the bus%s",
        size(gpu.tokenReads()),
        size(gpu.tokenStreams()),
        most == null ? "" : String.format(Locale.ROOT, ": at most %.1f tokens/s", most));
  }

  private void line(String name, String format, Object... values) {
    text.append(String.format(Locale.ROOT, "%-15s ", name))
        .append(String.format(Locale.ROOT, format, values))
        .append('\n');
  }
}
