package org.coreinfer.text;

import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.weights.GgufFile;
import org.coreinfer.weights.HuggingFaceFolder;
import org.coreinfer.weights.Metadata;
import org.coreinfer.weights.WeightFile;

/**
 * Reads tokenizers. What a file holds that this engine does not do is a {@link
 * ModelFormatException} that names file and field, never another tokenization.
 */
public final class Tokenizers {
  /** GGUF's key for the whole of a tokenizer.json. */
  public static final String HUGGING_FACE_KEY = "tokenizer.huggingface.json";

  private Tokenizers() {}

  /** The tokenizer that belongs to a model file. */
  public static Tokenizer of(WeightFile file) {
    return file instanceof GgufFile gguf
        ? fromGguf(gguf.metadata())
        : fromHuggingFace(((HuggingFaceFolder) file).path());
  }

  /**
   * The tokenizer of a Hugging Face model folder: from tokenizer.json, else from vocab.json and
   * merges.txt, else from SentencePiece's tokenizer.model. The special tokens' roles come from
   * tokenizer_config.json, special_tokens_map.json, generation_config.json and config.json, as far
   * as they are there. The tokens around a text are those of the post-processor in tokenizer.json;
   * where it has none, {@code add_bos_token} and {@code add_eos_token} of tokenizer_config.json
   * decide.
   */
  public static Tokenizer fromHuggingFace(Path folder) {
    SpecialRoles roles = SpecialRoles.of(folder);
    Path json = folder.resolve("tokenizer.json");
    Path sentencePiece = folder.resolve("tokenizer.model");
    if (Files.exists(json)) {
      return TokenizerJson.read(JsonNode.parse(json), roles);
    }
    if (Files.exists(folder.resolve("vocab.json"))) {
      return Gpt2Folder.read(folder, roles);
    }
    if (Files.exists(sentencePiece)) {
      return SentencePieceFile.read(sentencePiece, roles);
    }
    throw new ModelFormatException(
        folder + ": holds no tokenizer, expected tokenizer.json, vocab.json or tokenizer.model");
  }

  /**
   * The tokenizer of a single tokenizer.json; what other files would say about special tokens is
   * unknown.
   */
  public static Tokenizer fromTokenizerJson(Path file) {
    return TokenizerJson.read(JsonNode.parse(file), SpecialRoles.none());
  }

  /** The tokenizer of a single SentencePiece tokenizer.model. */
  public static Tokenizer fromSentencePiece(Path file) {
    return SentencePieceFile.read(file, SpecialRoles.none());
  }

  /**
   * The tokenizer in a GGUF file's metadata: the tokenizer.json that it may hold, else what is
   * written in llama.cpp's form. Of byte-level models these {@code tokenizer.ggml.pre} are known:
   * default (or none) and gpt-2, llama-bpe, qwen2, and those that split alike.
   */
  public static Tokenizer fromGguf(Metadata metadata) {
    return metadata.has(HUGGING_FACE_KEY)
        ? TokenizerJson.read(
            JsonNode.parse(
                metadata.source() + ": " + HUGGING_FACE_KEY, metadata.string(HUGGING_FACE_KEY)),
            SpecialRoles.of(metadata))
        : GgufTokenizer.read(metadata);
  }
}
