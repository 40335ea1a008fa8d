package org.coreinfer.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import org.coreinfer.error.ModelFormatException;

/**
 * A folder with vocab.json and merges.txt, as GPT-2 and OPT have: byte-level BPE with GPT-2's split
 * pattern.
 */
final class Gpt2Folder {
  private static final long MAX_BYTES = 256L << 20;

  /** The special token of GPT-2, where no file names another. */
  private static final String END_OF_TEXT = "<|endoftext|>";

  private Gpt2Folder() {}

  static Tokenizer read(Path folder, SpecialRoles roles) {
    Set<String> special = roles.texts();
    special.add(END_OF_TEXT);
    Path mergesFile = folder.resolve("merges.txt");
    BpeJson bpe =
        BpeJson.read(
            JsonNode.parse(folder.resolve("vocab.json")),
            mergesFile.toString(),
            lines(mergesFile),
            special);
    PreTokenizer words = PreTokenizer.of(SplitPattern.GPT_2);
    BpeJson.Stages stages =
        bpe.stages(
            roles.flag("add_prefix_space", false) ? PreTokenizer.spaceBefore().then(words) : words,
            true,
            special);
    Vocabulary vocabulary = bpe.vocabulary();
    List<AddedToken> addedTokens = new ArrayList<>();
    BitSet specialIds = new BitSet();
    for (String text : special) {
      int id = vocabulary.id(text);
      if (id >= 0) {
        addedTokens.add(AddedToken.plain(id, text, true));
        specialIds.set(id);
      }
    }
    int endOfText = vocabulary.id(END_OF_TEXT);
    int bos = roles.id("bos_token", vocabulary, endOfText);
    List<Integer> ends = roles.endTokens(vocabulary, endOfText);
    return new BpeTokenizer(
        new BpeTokenizer.Parts(
            vocabulary,
            addedTokens,
            Normalizer.NONE,
            stages.preTokenizer(),
            stages.model(),
            DecodingRule.byteLevel(),
            specialIds,
            SequenceTokens.of(bos, roles.flag("add_bos_token", false), ends, false)));
  }

  private static List<String> lines(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw new ModelFormatException(
            file + ": has " + bytes + " bytes, expected at most " + MAX_BYTES);
      }
      return Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException broken) {
      throw new ModelFormatException(file + ": cannot be read: " + broken.getMessage(), broken);
    }
  }
}
