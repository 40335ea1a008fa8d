package org.coreinfer.evaluation.task;

import java.util.List;
import java.util.function.Consumer;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.model.Decoder;
import org.coreinfer.tensor.DType;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Asks a model the examples of a task, densely and with each prompt's core neurons, and scores
 * both. For one thread at a time.
 */
public final class TaskEvaluator implements AutoCloseable {
  private final Tokenizer tokenizer;
  private final PairedDecoding decoding;

  /**
   * @param options which neurons core answers compute
   * @param capacity the most tokens of prompt and answer
   * @param cacheDtype of keys and values, F32 or F16
   */
  public TaskEvaluator(
      Decoder decoder, Tokenizer tokenizer, CoreOptions options, int capacity, DType cacheDtype) {
    this.tokenizer = tokenizer;
    this.decoding = new PairedDecoding(decoder, tokenizer, options, capacity, cacheDtype);
  }

  /**
   * An example and what was answered.
   *
   * @param dense the text that decoding with every neuron wrote
   * @param core the text that decoding with core neurons wrote
   */
  public record Answered(
      String where, String prompt, List<String> references, String dense, String core) {}

  /**
   * Checks, before a model is there, what {@link #evaluate} would refuse.
   *
   * @throws IllegalArgumentException if the file has too few examples to show
   * @throws CoreInferException if an example lacks what the prompt of the task's kind asks for
   */
  public static void check(Task task, TaskSettings settings) {
    prompts(task, settings);
  }

  private static FewShotPrompts prompts(Task task, TaskSettings settings) {
    return new FewShotPrompts(task, settings.shots(), settings.seed());
  }

  /**
   * Asks the first examples of a task. Where prompt and longest answer don't fit into the context,
   * fewer examples are shown; what doesn't fit alone is skipped.
   *
   * @param onAnswer hears of each example
   * @param monitor hears of the progress; may throw to end it
   * @throws CoreInferException if no example fits, or as {@link #check} says
   */
  public TaskReport evaluate(
      Task task, TaskSettings settings, Consumer<Answered> onAnswer, Decoder.Monitor monitor) {
    FewShotPrompts prompts = prompts(task, settings);
    TaskTally tally = new TaskTally(task, settings);
    int count = Math.min(settings.limit(), task.examples().size());
    for (int i = 0; i < count; i++) {
      double done = i;
      Prompt prompt = fitting(prompts, i, settings.maxTokens());
      if (prompt == null) {
        tally.skip();
        continue;
      }
      PairedDecoding.Pair pair =
          decoding.answer(
              prompt.tokens,
              task.kind().stop(),
              settings.maxTokens(),
              fraction -> monitor.progress((done + fraction) / count));
      Example example = task.examples().get(i);
      tally.add(example, prompt.shown, pair);
      onAnswer.accept(
          new Answered(
              example.where(),
              prompt.text,
              example.references(),
              pair.dense().text(),
              pair.core().text()));
    }
    if (tally.isEmpty()) {
      throw new CoreInferException(
          "no example and answer of %d tokens fit into the context of %d tokens: use a larger one"
              .formatted(settings.maxTokens(), decoding.capacity()));
    }
    return tally.report();
  }

  /** The prompt with the most examples that leaves room for the answer; null if none does. */
  private @Nullable Prompt fitting(FewShotPrompts prompts, int asked, int maxTokens) {
    List<Example> shown = prompts.shown(asked);
    for (int shots = shown.size(); shots >= 0; shots--) {
      String text = prompts.prompt(shown.subList(0, shots), asked);
      int[] tokens = tokenizer.encode(text, true, false);
      if (tokens.length > 0 && tokens.length + (long) maxTokens <= decoding.capacity()) {
        return new Prompt(text, tokens, shots);
      }
    }
    return null;
  }

  private record Prompt(String text, int[] tokens, int shown) {}

  @Override
  public void close() {
    decoding.close();
  }
}
