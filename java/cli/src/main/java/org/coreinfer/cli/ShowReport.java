package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coreinfer.ModelSummary;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.GpuPlan;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code show} prints.
 *
 * @param unsupported tensors that can't be computed with, and why
 * @param gpuMemory for the memory that was named; null if none was
 */
record ShowReport(
    String model,
    Sizes architecture,
    long fileBytes,
    List<Storage> dtypes,
    Map<String, String> unsupported,
    Words tokenizer,
    Reads perToken,
    Memory memory,
    @Nullable GpuMemory gpuMemory) {

  record Sizes(
      String name,
      int contextLength,
      int layers,
      int dim,
      int heads,
      int kvHeads,
      int headDim,
      int neurons,
      String activation,
      boolean isGated,
      int window) {}

  record Storage(String dtype, int tensors, long bytes) {}

  /**
   * The tokenizer.
   *
   * @param end tokens that end an answer
   */
  record Words(int vocabulary, @Nullable Integer bos, @Nullable Integer eos, List<Integer> end) {}

  /**
   * What decoding one token reads.
   *
   * @param speedupLimit how many times fewer bytes core decoding reads
   */
  record Reads(
      long denseBytes,
      long ffnBytes,
      double ffnShare,
      double keep,
      long coreBytes,
      double speedupLimit) {}

  /**
   * What a session needs.
   *
   * @param available -1 if unknown
   */
  record Memory(
      int context,
      String cacheDtype,
      long mapped,
      long copied,
      long cache,
      long scratch,
      long needed,
      long available) {}

  /**
   * Where a GPU with limited memory would hold the model; sizes are in bytes.
   *
   * @param streamedLayers whose FFN weights stay in host memory
   * @param tokenReads from the GPU's memory, by decoding one token
   * @param tokenStreams over the bus, by decoding one token
   * @param tokensPerSecond the limit that these set; null if unknown
   */
  record GpuMemory(
      long limit,
      long needed,
      long fixed,
      long cache,
      long scratch,
      long residentFfn,
      long packedFfn,
      long staging,
      List<Integer> streamedLayers,
      long streamedFfn,
      long tokenReads,
      long tokenStreams,
      @Nullable Double tokensPerSecond) {}

  static ShowReport of(ModelSummary model, CoreOptions core) {
    core.requireSuits(model.config());
    return new ShowReport(
        model.name(),
        sizes(model.config()),
        model.fileBytes(),
        model.storage().stream()
            .map(s -> new Storage(s.dtype().name(), s.tensors(), s.bytes()))
            .toList(),
        model.unsupported(),
        words(model),
        reads(model, core),
        memory(model),
        gpuMemory(model.gpuPlan()));
  }

  private static Sizes sizes(ModelConfig config) {
    return new Sizes(
        config.architecture(),
        config.contextLength(),
        config.layers(),
        config.dim(),
        config.heads(),
        config.kvHeads(),
        config.headDim(),
        config.neurons(),
        config.activation().name().toLowerCase(Locale.ROOT),
        config.isGated(),
        config.window());
  }

  private static Words words(ModelSummary model) {
    Tokenizer tokenizer = model.tokenizer();
    return new Words(
        tokenizer.vocabularySize(),
        tokenizer.bosToken().isPresent() ? tokenizer.bosToken().getAsInt() : null,
        tokenizer.eosToken().isPresent() ? tokenizer.eosToken().getAsInt() : null,
        Arrays.stream(tokenizer.endTokens()).boxed().toList());
  }

  private static Reads reads(ModelSummary model, CoreOptions core) {
    long dense = model.bytesPerToken(CoreOptions.dense());
    long ffn = model.ffnBytes().stream().mapToLong(Long::longValue).sum();
    long sparse = model.bytesPerToken(core);
    return new Reads(
        dense, ffn, (double) ffn / dense, core.keep(), sparse, (double) dense / sparse);
  }

  private static Memory memory(ModelSummary model) {
    MemoryPlan plan = model.memoryPlan();
    return new Memory(
        plan.context(),
        model.cacheDtype().name(),
        plan.mapped(),
        plan.copied(),
        plan.cache(),
        plan.scratch(),
        plan.needed(),
        plan.available());
  }

  private static @Nullable GpuMemory gpuMemory(@Nullable GpuPlan plan) {
    if (plan == null) {
      return null;
    }
    double most = plan.tokensPerSecond();
    return new GpuMemory(
        plan.limit(),
        plan.needed(),
        plan.fixed(),
        plan.cache(),
        plan.scratch(),
        plan.residentFfn(),
        plan.packedFfn(),
        plan.staging(),
        plan.streamedLayers(),
        plan.streamedFfn(),
        plan.tokenReads(),
        plan.tokenStreams(),
        Double.isInfinite(most) ? null : most);
  }

  /** The same for people. */
  String text() {
    return ShowText.of(this);
  }
}
