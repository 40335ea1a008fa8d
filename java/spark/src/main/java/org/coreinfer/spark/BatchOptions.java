package org.coreinfer.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.coreinfer.core.CoreWish;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.grammar.JsonGrammars;
import org.coreinfer.sampling.SamplingOptions;
import org.jspecify.annotations.Nullable;

/**
 * How every row of a batch is answered. Immutable.
 *
 * @param maxTokens the most tokens of an answer
 * @param sampling how tokens are drawn; its seed is that of the job
 * @param core which neurons are computed, as far as it says: the rest follows from the calibration
 *     beside the model
 * @param stop strings that end an answer; never part of it
 * @param ignoreEos whether to go on after the end-of-sequence token
 * @param parseSpecial whether special tokens written in a prompt count as such; never in chats
 * @param chat how prompts become conversations; null if they are texts that go on
 * @param jsonSchema that answers must satisfy; null for any text
 */
public record BatchOptions(
    int maxTokens,
    SamplingOptions sampling,
    CoreWish core,
    List<String> stop,
    boolean ignoreEos,
    boolean parseSpecial,
    @Nullable Chat chat,
    @Nullable String jsonSchema)
    implements Serializable {

  /**
   * Prompts are what a user says, in the form of a chat template.
   *
   * @param system message before it; null for none
   * @param template one of {@code BuiltInTemplates}, or of the model's own by name; null for the
   *     model's usual one
   */
  public record Chat(@Nullable String system, @Nullable String template) implements Serializable {}

  public BatchOptions {
    stop = List.copyOf(stop);
    GenerationRequest.Builder request =
        GenerationRequest.of("").maxTokens(maxTokens).sampling(sampling);
    stop.forEach(request::stop);
    request.build(); // refuses what is out of range
    if (jsonSchema != null) {
      JsonGrammars.requireSupported(jsonSchema);
      if (ignoreEos) {
        throw new IllegalArgumentException(
            "a JSON schema and ignoreEos: JSON ends where it is complete");
      }
    }
  }

  /** Greedy answers of up to 256 tokens with the model's usual neurons. */
  public static BatchOptions defaults() {
    return builder().build();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Collects options; all have defaults. */
  public static final class Builder {
    private int maxTokens = 256;
    private SamplingOptions sampling = SamplingOptions.GREEDY;
    private CoreWish core = CoreWish.NONE;
    private final List<String> stop = new ArrayList<>();
    private boolean ignoreEos;
    private boolean parseSpecial = true;
    private @Nullable Chat chat;
    private @Nullable String jsonSchema;

    private Builder() {}

    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    /** How tokens are drawn; its seed is that of the job. */
    public Builder sampling(SamplingOptions value) {
      sampling = value;
      return this;
    }

    /** 0, the default, takes the most likely token. */
    public Builder temperature(double value) {
      return sampled(options -> options.withTemperature(value));
    }

    /** Of the job; each row's own seed follows from it and from the row's key. */
    public Builder seed(long value) {
      return sampled(options -> options.withSeed(value));
    }

    private Builder sampled(UnaryOperator<SamplingOptions> change) {
      sampling = change.apply(sampling);
      return this;
    }

    /** Which neurons are computed. */
    public Builder core(CoreWish value) {
      core = value;
      return this;
    }

    /** The fraction of neurons that decoding computes; 1 is dense. */
    public Builder keep(double value) {
      core = new CoreWish(null, null, null, value, null, null, null, null, null).over(core);
      return this;
    }

    /** Adds a string that ends answers. */
    public Builder stop(String value) {
      stop.add(value);
      return this;
    }

    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    public Builder parseSpecial(boolean value) {
      parseSpecial = value;
      return this;
    }

    /** Makes each prompt what a user says, in the form of the model's own chat template. */
    public Builder chat() {
      return chat(null, null);
    }

    /** As {@link Chat} says. */
    public Builder chat(@Nullable String system, @Nullable String template) {
      chat = new Chat(system, template);
      return this;
    }

    /** Makes answers JSON that this schema accepts. */
    public Builder jsonSchema(String value) {
      jsonSchema = value;
      return this;
    }

    /**
     * The options.
     *
     * @throws IllegalArgumentException if one is out of range, or two contradict each other
     */
    public BatchOptions build() {
      return new BatchOptions(
          maxTokens, sampling, core, stop, ignoreEos, parseSpecial, chat, jsonSchema);
    }
  }
}
