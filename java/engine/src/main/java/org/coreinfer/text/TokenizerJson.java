package org.coreinfer.text;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer.json of Hugging Face Tokenizers. What this engine does not do is refused by name;
 * {@code truncation} and {@code padding} are left to the caller.
 */
final class TokenizerJson {
  private final JsonNode root;
  private final SpecialRoles roles;
  private final List<AddedToken> addedTokens = new ArrayList<>();
  private final BitSet special = new BitSet();
  private @Nullable List<Integer> prefix;
  private @Nullable List<Integer> suffix;

  private TokenizerJson(JsonNode root, SpecialRoles roles) {
    this.root = root;
    this.roles = roles;
  }

  static Tokenizer read(JsonNode root, SpecialRoles roles) {
    return new TokenizerJson(root, roles).read();
  }

  private Tokenizer read() {
    Set<String> specialTexts = readAddedTokens();
    BpeJson bpe = BpeJson.read(root.get("model"), specialTexts);
    PreTokenizerJson preTokenizer = PreTokenizerJson.read(root.find("pre_tokenizer"));
    BpeJson.Stages stages = bpe.stages(preTokenizer.stage(), preTokenizer.bytes(), specialTexts);
    Vocabulary vocabulary = bpe.vocabulary();
    String where = root.where() + ": added_tokens";
    for (AddedToken token : addedTokens) {
      vocabulary.add(where, token.content(), token.id());
    }
    readPostProcessor(root.find("post_processor"), vocabulary, 0);

    return new BpeTokenizer(
        new BpeTokenizer.Parts(
            vocabulary,
            addedTokens,
            NormalizerJson.read(root.find("normalizer")),
            stages.preTokenizer(),
            stages.model(),
            DecoderJson.read(root.find("decoder")),
            special,
            sequenceTokens(vocabulary)));
  }

  private SequenceTokens sequenceTokens(Vocabulary vocabulary) {
    int first = prefix != null && prefix.size() == 1 ? prefix.get(0) : -1;
    int bos = roles.id("bos_token", vocabulary, first);
    List<Integer> ends = roles.endTokens(vocabulary, -1);
    if (prefix != null && suffix != null) {
      return new SequenceTokens(bos, prefix, suffix, ends);
    }
    return SequenceTokens.of(
        bos, roles.flag("add_bos_token", false), ends, roles.flag("add_eos_token", false));
  }

  private Set<String> readAddedTokens() {
    Set<String> specialTexts = new HashSet<>();
    JsonNode list = root.find("added_tokens");
    for (JsonNode node : list == null ? List.<JsonNode>of() : list.list()) {
      AddedToken token =
          new AddedToken(
              node.get("id").tokenId(),
              node.get("content").string(),
              node.flag("special", false),
              node.flag("normalized", true),
              node.flag("lstrip", false),
              node.flag("rstrip", false),
              node.flag("single_word", false));
      addedTokens.add(token);
      if (token.special()) {
        special.set(token.id());
        specialTexts.add(token.content());
      }
    }
    return specialTexts;
  }

  /** Of several post-processors, the last one that adds tokens counts. */
  private void readPostProcessor(@Nullable JsonNode node, Vocabulary vocabulary, int depth) {
    if (node == null) {
      return;
    }
    String type = node.get("type").string();
    switch (type) {
      case "ByteLevel" -> {}
      case "TemplateProcessing" -> readTemplate(node, vocabulary);
      case "RobertaProcessing", "BertProcessing" -> {
        prefix = List.of(pairedId(node.get("cls"), vocabulary));
        suffix = List.of(pairedId(node.get("sep"), vocabulary));
      }
      case "Sequence" -> {
        if (depth > 0) {
          throw node.wrong("a Sequence within a Sequence is not supported");
        }
        for (JsonNode member : node.get("processors").list()) {
          readPostProcessor(member, vocabulary, depth + 1);
        }
      }
      default ->
          throw node.wrong("the post-processor " + Vocabulary.quote(type) + " is not supported");
    }
  }

  /** A text and its id. */
  private static int pairedId(JsonNode pair, Vocabulary vocabulary) {
    if (pair.size() != 2 || !pair.isList()) {
      throw pair.wrong("expected a text and an id");
    }
    return knownId(pair.list().get(1), vocabulary);
  }

  private static int knownId(JsonNode node, Vocabulary vocabulary) {
    int id = node.tokenId();
    if (vocabulary.piece(id) == null) {
      throw node.wrong("the vocabulary lacks the id " + id);
    }
    return id;
  }

  private void readTemplate(JsonNode node, Vocabulary vocabulary) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean seenText = false;
    for (JsonNode part : node.get("single").list()) {
      JsonNode token = part.find("SpecialToken");
      if (token == null) {
        JsonNode sequence = part.get("Sequence");
        if (seenText || !sequence.get("id").string().equals("A")) {
          throw sequence.wrong("expected the text A once");
        }
        seenText = true;
        continue;
      }
      JsonNode known = node.get("special_tokens").get(token.get("id").string());
      for (JsonNode id : known.get("ids").list()) {
        (seenText ? after : before).add(knownId(id, vocabulary));
      }
    }
    if (!seenText) {
      throw node.get("single").wrong("expected the text A once");
    }
    prefix = before;
    suffix = after;
  }
}
