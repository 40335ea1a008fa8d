package org.coreinfer.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.Objects;
import org.coreinfer.generation.GenerationResult;
import org.jspecify.annotations.Nullable;

/** What LangChain4j tells of every answer, and what only this engine knows. Immutable. */
public final class CoreInferChatResponseMetadata extends ChatResponseMetadata {
  private final @Nullable GenerationResult generation;

  private CoreInferChatResponseMetadata(Builder builder) {
    super(builder);
    this.generation = builder.generation;
  }

  /** How many neurons each layer computed, times, tokens that were known before, drafts. */
  public @Nullable GenerationResult generation() {
    return generation;
  }

  @Override
  public Builder toBuilder() {
    Builder builder = new Builder().generation(generation);
    toBuilder(builder);
    return builder;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return super.equals(other)
        && other instanceof CoreInferChatResponseMetadata that
        && Objects.equals(generation, that.generation);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), generation);
  }

  @Override
  public String toString() {
    return "CoreInferChatResponseMetadata{id=%s, modelName=%s, tokenUsage=%s, finishReason=%s, neuronsPerLayer=%s}"
        .formatted(
            id(),
            modelName(),
            tokenUsage(),
            finishReason(),
            generation == null ? "unknown" : generation.neuronsPerLayer());
  }

  /** Collects the parts. */
  public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
    private @Nullable GenerationResult generation;

    public Builder generation(@Nullable GenerationResult value) {
      generation = value;
      return this;
    }

    @Override
    public CoreInferChatResponseMetadata build() {
      return new CoreInferChatResponseMetadata(this);
    }
  }
}
