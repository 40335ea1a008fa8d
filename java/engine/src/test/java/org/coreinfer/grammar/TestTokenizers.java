package org.coreinfer.grammar;

import org.coreinfer.TestData;
import org.coreinfer.text.Llama3Tokenizer;
import org.coreinfer.text.Tokenizer;
import org.coreinfer.text.Tokenizers;

/** Tokenizers of the kinds that there are. */
enum TestTokenizers {
  /** SentencePiece with byte tokens and marks for spaces, 32,000 tokens. */
  LLAMA_2 {
    @Override
    Tokenizer load() {
      return Tokenizers.fromHuggingFace(TestData.shared("data/tokenizers/llama2"));
    }
  },
  /** Tokens of bytes, 50,000 of them. */
  PHI_2 {
    @Override
    Tokenizer load() {
      return Tokenizers.fromHuggingFace(TestData.shared("data/tokenizers/phi-2"));
    }
  },
  /** Tokens of bytes, 128,256 of them. */
  LLAMA_3 {
    @Override
    Tokenizer load() {
      return Llama3Tokenizer.read();
    }
  };

  abstract Tokenizer load();
}
