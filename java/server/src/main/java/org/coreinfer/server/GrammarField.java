package org.coreinfer.server;

import java.util.function.Supplier;
import org.coreinfer.grammar.GbnfException;
import org.coreinfer.grammar.GbnfGrammar;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** The field {@code grammar}: a grammar in llama.cpp's GBNF that the answer keeps to. */
final class GrammarField {
  private static final String NAME = "grammar";

  private GrammarField() {}

  /**
   * The constraint on the answer's tokens; null for none.
   *
   * @param other what constrains them anyway; null for nothing
   * @throws ApiException if the grammar is broken, or contradicts other fields
   */
  static @Nullable Supplier<TokenConstraint> read(
      Fields fields, Tokenizer tokenizer, @Nullable Supplier<TokenConstraint> other) {
    String source = fields.string(NAME, "");
    if (source.isEmpty()) {
      return other;
    }
    if (other != null) {
      throw ApiException.unsupported(
          NAME,
          "grammar: cannot be had together with response_format or tools that must be called;"
              + " leave out one of them");
    }
    if (fields.bool("ignore_eos", false)) {
      throw ApiException.invalid(
          "ignore_eos", "ignore_eos: a grammar's text ends where it is complete; leave it out");
    }
    try {
      return GbnfGrammar.of(source, tokenizer);
    } catch (GbnfException e) {
      throw ApiException.invalid(NAME, String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(NAME, NAME + ": " + e.getMessage());
    }
  }
}
