package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coreinfer.ModelSummary;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.model.MemoryPlan;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * What {@code show} prints.
 *
 * @param unsupported tensors that can't be computed with, and why
 */
record ShowReport(
    String model,
    Sizes architecture,
    long fileBytes,
    List<Storage> dtypes,
    Map<String, String> unsupported,
    Words tokenizer,
    Reads perToken,
    Memory memory) {

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

  static ShowReport of(ModelSummary model, CoreOptions core) {
    core.requireLayers(model.config().layers());
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
        memory(model));
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

  /** The same for people. */
  String text() {
    return ShowText.of(this);
  }
}
