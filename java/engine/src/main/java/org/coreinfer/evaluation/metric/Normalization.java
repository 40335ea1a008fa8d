package org.coreinfer.evaluation.metric;

import java.util.Locale;
import java.util.regex.Pattern;

/** What two answers may differ in and still be the same. */
public enum Normalization {
  /** Nothing. */
  NONE {
    @Override
    public String apply(String text) {
      return text;
    }
  },
  /** Case, ASCII punctuation, English articles and white space, as in SQuAD's own script. */
  SQUAD {
    @Override
    public String apply(String text) {
      return withoutArticles(PUNCTUATION.matcher(lower(text)).replaceAll(""));
    }
  },
  /**
   * As SQUAD, but punctuation, to which typographic quotes belong, separates words, as in
   * TriviaQA's own script.
   */
  TRIVIA_QA {
    @Override
    public String apply(String text) {
      return withoutArticles(PUNCTUATION_AND_QUOTES.matcher(lower(text)).replaceAll(" "));
    }
  };

  private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");
  private static final Pattern PUNCTUATION_AND_QUOTES =
      Pattern.compile("[\\p{Punct}\u2018\u2019\u00b4`]");
  private static final Pattern ARTICLE =
      Pattern.compile("\\b(?:a|an|the)\\b", Pattern.UNICODE_CHARACTER_CLASS);

  /** The text in its one form. */
  public abstract String apply(String text);

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static String withoutArticles(String text) {
    return String.join(" ", Words.split(ARTICLE.matcher(text).replaceAll(" ")));
  }
}
