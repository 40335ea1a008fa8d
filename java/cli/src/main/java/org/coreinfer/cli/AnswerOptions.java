package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.grammar.GbnfGrammar;
import org.coreinfer.grammar.JsonGrammar;
import org.coreinfer.grammar.JsonGrammars;
import org.coreinfer.sampling.SamplingOptions;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options that say how tokens are drawn, and when the answer ends. */
final class AnswerOptions {
  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = {"-n", "--max-tokens"},
      paramLabel = "N",
      defaultValue = "256",
      description = "Most tokens of the answer (default: ${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description =
          "0 takes the most likely token; higher draws more freely (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Draw from the K most likely tokens; 0 for all (default: ${DEFAULT-VALUE}).")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description =
          "Draw from the most likely tokens that together have this probability (default:"
              + " ${DEFAULT-VALUE}).")
  private double topP;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      defaultValue = "0",
      description =
          "Draw from tokens at least this likely relative to the best (default:"
              + " ${DEFAULT-VALUE}).")
  private double minP;

  @Option(
      names = "--repeat-penalty",
      paramLabel = "X",
      defaultValue = "1",
      description = "Above 1, tokens that occurred get less likely (default: ${DEFAULT-VALUE}).")
  private double repeatPenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "X",
      defaultValue = "0",
      description =
          "Taken from a token's logit as often as the answer has it; -2 to 2 (default:"
              + " ${DEFAULT-VALUE}).")
  private double frequencyPenalty;

  @Option(
      names = "--presence-penalty",
      paramLabel = "X",
      defaultValue = "0",
      description =
          "Taken from the logits of tokens that the answer has; -2 to 2 (default:"
              + " ${DEFAULT-VALUE}).")
  private double presencePenalty;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the draws; the same seed gives the same text (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "End the answer before this text; may be repeated.")
  private List<String> stops = new ArrayList<>();

  @Option(names = "--ignore-eos", description = "Go on after the end-of-sequence token.")
  private boolean isEosIgnored;

  @Option(names = "--json-mode", description = "Answer with a JSON object, whatever it says.")
  private boolean isJsonAsked;

  @Option(
      names = "--json-schema",
      paramLabel = "FILE|SCHEMA",
      description =
          "Answer with JSON that this JSON schema accepts; a file, or the schema itself. An answer"
              + " that --max-tokens cuts off is only the beginning of one.")
  private @Nullable String schemaSource;

  @Option(
      names = "--grammar",
      paramLabel = "FILE|GRAMMAR",
      description =
          "Answer with a text of this grammar in llama.cpp's GBNF; a file, or the grammar itself.")
  private @Nullable String grammarSource;

  /** The grammar that answers must keep to; null if there is none. */
  private @Nullable String grammar() {
    String source = grammarSource;
    if (source == null) {
      return null;
    }
    return source.contains("::=") ? source : TextInput.ofFile(Path.of(source));
  }

  /** The text of the schema that answers must satisfy; null if there is none. */
  @Nullable String schema() {
    String source = schemaSource;
    if (source == null) {
      return null;
    }
    return source.strip().startsWith("{") ? source : TextInput.ofFile(Path.of(source));
  }

  /** Gives answers the form that was asked for. */
  void constrain(GenerationRequest.Builder request, Tokenizer tokenizer) {
    String schema = schema();
    String grammar = grammar();
    if (grammar != null) {
      request.constraint(GbnfGrammar.of(grammar, tokenizer));
    } else if (schema != null) {
      request.constraint(JsonGrammar.ofSchema(schema, tokenizer));
    } else if (isJsonAsked) {
      request.constraint(JsonGrammar.anyObject(tokenizer));
    }
  }

  /** Whether any JSON object was asked for. */
  boolean isJsonAsked() {
    return isJsonAsked;
  }

  private void checkForm() {
    String schema = schema();
    String grammar = grammar();
    if (grammar != null) {
      if (isJsonAsked || schema != null) {
        throw Usage.error(command, "give --grammar, --json-mode or --json-schema, one of them");
      }
      Usage.checked(
          command,
          () -> {
            GbnfGrammar.requireValid(grammar);
            return grammar;
          },
          "--grammar");
    }
    if (schema != null) {
      if (isJsonAsked) {
        throw Usage.error(command, "give --json-mode or --json-schema, not both");
      }
      Usage.checked(
          command,
          () -> {
            JsonGrammars.requireSupported(schema);
            return schema;
          },
          "--json-schema");
    }
    if (isEosIgnored && (isJsonAsked || schema != null || grammar != null)) {
      throw Usage.error(
          command,
          "--ignore-eos: an answer of a form ends where it is complete, which can't be ignored");
    }
  }

  /** A request with these options; wrong values are usage errors. */
  GenerationRequest.Builder toRequest(String prompt) {
    return applyTo(GenerationRequest.of(prompt));
  }

  /** Puts these options into a request; wrong values are usage errors. */
  GenerationRequest.Builder applyTo(GenerationRequest.Builder request) {
    checkForm();
    Usage.checked(
        command, () -> GenerationRequest.of("").maxTokens(maxTokens).build(), "--max-tokens");
    request.maxTokens(maxTokens).sampling(sampling()).ignoreEos(isEosIgnored);
    stops.forEach(request::stop);
    Usage.checked(command, request::build, "--stop");
    return request;
  }

  /** How tokens are drawn. */
  SamplingOptions sampling() {
    SamplingOptions options = SamplingOptions.GREEDY.withSeed(seed);
    options = change(options, "--temperature", o -> o.withTemperature(temperature));
    options = change(options, "--top-k", o -> o.withTopK(topK));
    options = change(options, "--top-p", o -> o.withTopP(topP));
    options = change(options, "--min-p", o -> o.withMinP(minP));
    options = change(options, "--repeat-penalty", o -> o.withRepeatPenalty(repeatPenalty));
    options = change(options, "--frequency-penalty", o -> o.withFrequencyPenalty(frequencyPenalty));
    return change(options, "--presence-penalty", o -> o.withPresencePenalty(presencePenalty));
  }

  private SamplingOptions change(
      SamplingOptions options, String option, UnaryOperator<SamplingOptions> step) {
    return Usage.checked(command, () -> step.apply(options), option);
  }
}
