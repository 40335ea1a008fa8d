package org.coreinfer.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coreinfer.Model;
import org.coreinfer.chat.BuiltInTemplates;
import org.coreinfer.chat.ChatMessage;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.grammar.JsonGrammar;
import org.coreinfer.serving.ServingRequest;
import org.coreinfer.text.ChatTemplateTexts;
import org.jspecify.annotations.Nullable;

/** Makes requests of prompts, all in the same way. Immutable and thread-safe. */
final class PromptForm {
  private final Model model;
  private final BatchOptions options;
  private final CoreOptions core;
  private final @Nullable ChatTemplate template;
  private final @Nullable JsonGrammar grammar;

  private PromptForm(
      Model model,
      BatchOptions options,
      CoreOptions core,
      @Nullable ChatTemplate template,
      @Nullable JsonGrammar grammar) {
    this.model = model;
    this.options = options;
    this.core = core;
    this.template = template;
    this.grammar = grammar;
  }

  /**
   * The form that the options ask for.
   *
   * @throws RuntimeException if they don't suit the model
   */
  static PromptForm of(Engine engine, BatchOptions options) {
    Model model = engine.model();
    BatchOptions.Chat chat = options.chat();
    String schema = options.jsonSchema();
    return new PromptForm(
        model,
        options,
        engine.core(options.core()),
        chat == null ? null : template(model, chat.template()),
        schema == null ? null : engine.grammars().ofSchema(schema));
  }

  private static ChatTemplate template(Model model, @Nullable String name) {
    ChatTemplateTexts texts = model.chatTemplateTexts();
    if (name == null || texts.templates().containsKey(name)) {
      return ChatTemplate.of(model.name(), texts, name);
    }
    return BuiltInTemplates.get(name, texts.specialTokens());
  }

  /**
   * The request of one row.
   *
   * @param seed of its draws
   */
  ServingRequest request(String prompt, long seed) {
    GenerationRequest.Builder request = begun(prompt);
    request
        .maxTokens(options.maxTokens())
        .sampling(options.sampling().withSeed(seed))
        .ignoreEos(options.ignoreEos());
    options.stop().forEach(request::stop);
    if (grammar != null) {
      request.constraint(grammar);
    }
    return ServingRequest.of(request.build()).core(core).build();
  }

  private GenerationRequest.Builder begun(String prompt) {
    BatchOptions.Chat chat = options.chat();
    if (chat == null || template == null) {
      return GenerationRequest.of(prompt).parseSpecial(options.parseSpecial());
    }
    List<ChatMessage> messages = new ArrayList<>();
    if (chat.system() != null) {
      messages.add(ChatMessage.system(chat.system()));
    }
    messages.add(ChatMessage.user(prompt));
    GenerationRequest.Builder request =
        GenerationRequest.ofTokens(
            template.prompt(messages, List.of(), true, Map.of()).tokens(model.tokenizer()));
    template.endTurn(request, model.tokenizer());
    return request;
  }
}
