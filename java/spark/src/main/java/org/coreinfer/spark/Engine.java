package org.coreinfer.spark;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.coreinfer.Calibrations;
import org.coreinfer.Model;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreWish;
import org.coreinfer.grammar.JsonGrammars;
import org.coreinfer.serving.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * A model in an executor's process, and what is made of it when it is first needed. Thread-safe:
 * the executor's tasks share it.
 */
final class Engine implements AutoCloseable {
  /** More rows than all tasks of an executor have on their way. */
  private static final int QUEUE = 1 << 20;

  private final Model model;
  private final int slots;
  private final @Nullable Path path;
  private final @Nullable Path calibrationFile;
  private final Map<BatchOptions, PromptForm> forms = new HashMap<>();
  private @Nullable Scheduler scheduler;
  private @Nullable JsonGrammars grammars;
  private @Nullable Calibration calibration;
  private boolean isCalibrationRead;
  private boolean isClosed;

  /**
   * @param model owned
   * @param path where it lies; null for the embedded one
   * @param calibrationFile null for the one beside the model
   */
  Engine(Model model, int slots, @Nullable Path path, @Nullable Path calibrationFile) {
    this.model = model;
    this.slots = slots;
    this.path = path;
    this.calibrationFile = calibrationFile;
  }

  Model model() {
    return model;
  }

  /** What answers rows of all tasks. */
  synchronized Scheduler scheduler() {
    Scheduler known = scheduler;
    if (known == null) {
      if (isClosed) {
        throw new IllegalStateException(model.name() + " was closed, as its process ends");
      }
      // What is reused of texts before must not show: an answer depends on its row alone.
      known =
          Scheduler.builder(model).slots(slots).queue(QUEUE).reuse(Scheduler.Reuse.PROMPTS).build();
      scheduler = known;
    }
    return known;
  }

  int slots() {
    return slots;
  }

  /** What is known of the model's neurons; null if nothing is. */
  synchronized @Nullable Calibration calibration() {
    if (!isCalibrationRead) {
      calibration =
          calibrationFile == null ? Calibrations.of(path) : Calibrations.read(calibrationFile);
      isCalibrationRead = true;
    }
    return calibration;
  }

  /**
   * Which neurons are computed for a wish.
   *
   * @throws IllegalArgumentException if it doesn't suit the model
   */
  CoreOptions core(CoreWish wish) {
    CoreOptions options = wish.resolve(calibration(), part -> part);
    options.requireSuits(model.config());
    return options;
  }

  synchronized JsonGrammars grammars() {
    JsonGrammars known = grammars;
    if (known == null) {
      known = new JsonGrammars(model.tokenizer());
      grammars = known;
    }
    return known;
  }

  /**
   * How prompts become requests.
   *
   * @throws RuntimeException if the options don't suit the model
   */
  synchronized PromptForm form(BatchOptions options) {
    PromptForm known = forms.get(options);
    if (known == null) {
      known = PromptForm.of(this, options);
      forms.put(options, known);
    }
    return known;
  }

  @Override
  public void close() {
    Scheduler last;
    synchronized (this) {
      isClosed = true;
      last = scheduler;
    }
    if (last != null) {
      last.close();
    }
    model.close();
  }
}
