package org.coreinfer.grammar;

import java.util.function.Supplier;
import org.coreinfer.sampling.TokenConstraint;
import org.coreinfer.text.Tokenizer;

/**
 * Texts of a grammar in llama.cpp's GBNF, in a model's tokens: rules {@code name ::= ...} of texts
 * in quotes, classes such as {@code [a-z]}, {@code .} for any character, other rules, {@code |},
 * parentheses, {@code * + ?}, counts such as {@code {2,5}}, and comments after {@code #}. A text is
 * one of the rule {@code root}. Rules may be recursive, but not begin with themselves. A grammar
 * serves any number of answers, one after another or at once; {@link #get} makes the constraint of
 * one answer. Safe for use by many threads.
 */
public final class GbnfGrammar implements Supplier<TokenConstraint> {
  private final TokenGrammar grammar;

  private GbnfGrammar(TokenGrammar grammar) {
    this.grammar = grammar;
  }

  /**
   * A grammar by its source.
   *
   * @throws GbnfException if the grammar is broken, or has no text
   * @throws IllegalArgumentException if it is too large, or the model's tokens can't spell its
   *     texts
   */
  public static GbnfGrammar of(String source, Tokenizer tokenizer) {
    return new GbnfGrammar(new TokenGrammar(GbnfRules.of(source), new TokenTrie(tokenizer)));
  }

  /**
   * Refuses what is no grammar, before there is a model.
   *
   * @throws GbnfException if the grammar is broken, or has no text
   * @throws IllegalArgumentException if it is too large
   */
  public static void requireValid(String source) {
    GbnfRules.of(source);
  }

  /** The constraint of one answer. */
  @Override
  public TokenConstraint get() {
    return new GrammarConstraint(grammar);
  }
}
