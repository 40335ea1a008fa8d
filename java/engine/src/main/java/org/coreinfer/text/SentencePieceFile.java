package org.coreinfer.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.error.ModelFormatException;
import org.coreinfer.text.SentencePiece.Piece;

/**
 * A SentencePiece {@code tokenizer.model}: the protocol buffer ModelProto of
 * sentencepiece_model.proto. Only BPE without character normalization is read, which is what
 * language models use.
 */
final class SentencePieceFile {
  private static final long MAX_BYTES = 64L << 20;
  private static final int BPE = 2;

  private final String source;
  private final List<Piece> pieces = new ArrayList<>();
  private int modelType = 1;
  private boolean byteFallback;
  private boolean spaceAfter;
  private int unknown;
  private int bos = 1;
  private int eos = 2;
  private boolean spaceBefore = true;
  private boolean removesExtraSpaces = true;
  private boolean escapesSpaces = true;
  private boolean mapsCharacters;
  private String normalization = "";

  private SentencePieceFile(String source) {
    this.source = source;
  }

  static Tokenizer read(Path file, SpecialRoles roles) {
    byte[] bytes;
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new ModelFormatException(
            file + ": has " + size + " bytes, expected at most " + MAX_BYTES);
      }
      bytes = Files.readAllBytes(file);
    } catch (IOException broken) {
      throw new ModelFormatException(file + ": cannot be read: " + broken.getMessage(), broken);
    }
    SentencePieceFile model = new SentencePieceFile(file.toString());
    model.readModel(new ProtoReader(file.toString(), bytes));
    return model.tokenizer(roles);
  }

  private void readModel(ProtoReader model) {
    while (model.next()) {
      switch (model.field()) {
        case 1 -> readPiece(model.message());
        case 2 -> readTrainer(model.message());
        case 3 -> readNormalizer(model.message());
        default -> {}
      }
    }
  }

  private void readPiece(ProtoReader fields) {
    String piece = "";
    double score = 0;
    int type = SentencePiece.NORMAL;
    while (fields.next()) {
      switch (fields.field()) {
        case 1 -> piece = fields.string();
        case 2 -> score = fields.float32();
        case 3 -> type = fields.integer();
        default -> {}
      }
    }
    if (pieces.size() == Vocabulary.MAX_SIZE) {
      throw new ModelFormatException(source + ": has more than " + Vocabulary.MAX_SIZE + " pieces");
    }
    pieces.add(new Piece(piece, score, type));
  }

  private void readTrainer(ProtoReader fields) {
    while (fields.next()) {
      switch (fields.field()) {
        case 3 -> modelType = fields.integer();
        case 24 -> spaceAfter = fields.integer() != 0;
        case 35 -> byteFallback = fields.integer() != 0;
        case 40 -> unknown = fields.integer();
        case 41 -> bos = fields.integer();
        case 42 -> eos = fields.integer();
        default -> {}
      }
    }
  }

  private void readNormalizer(ProtoReader fields) {
    while (fields.next()) {
      switch (fields.field()) {
        case 1 -> normalization = fields.string();
        case 2 -> mapsCharacters = fields.length() > 0;
        case 3 -> spaceBefore = fields.integer() != 0;
        case 4 -> removesExtraSpaces = fields.integer() != 0;
        case 5 -> escapesSpaces = fields.integer() != 0;
        default -> {}
      }
    }
  }

  private Tokenizer tokenizer(SpecialRoles roles) {
    if (pieces.isEmpty()) {
      throw new ModelFormatException(source + ": pieces: none, expected a SentencePiece model");
    }
    if (modelType != BPE) {
      throw new ModelFormatException(
          source
              + ": trainer_spec.model_type: "
              + modelType
              + " is not supported, expected BPE ("
              + BPE
              + ")");
    }
    if (mapsCharacters) {
      throw new ModelFormatException(
          source
              + ": normalizer_spec.precompiled_charsmap: the normalization "
              + Vocabulary.quote(normalization)
              + " is not supported, expected identity");
    }
    if (spaceAfter || !escapesSpaces) {
      throw new ModelFormatException(
          source
              + ": "
              + (spaceAfter
                  ? "trainer_spec.treat_whitespace_as_suffix"
                  : "normalizer_spec.escape_whitespaces")
              + ": only the default is supported");
    }
    Vocabulary vocabulary = Vocabulary.of(source, pieces.stream().map(Piece::text).toList());
    int begin = roles.id("bos_token", vocabulary, inVocabulary(bos));
    List<Integer> ends = roles.endTokens(vocabulary, inVocabulary(eos));
    return new SentencePiece(
            source,
            pieces,
            inVocabulary(unknown),
            byteFallback,
            spaceBefore,
            removesExtraSpaces,
            true,
            SequenceTokens.of(
                begin, roles.flag("add_bos_token", true), ends, roles.flag("add_eos_token", false)))
        .tokenizer();
  }

  private int inVocabulary(int id) {
    return id < pieces.size() ? id : -1;
  }
}
