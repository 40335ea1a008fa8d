package org.coreinfer.text;

/** Cuts text into pieces that lie end to end, as a split pattern of a byte-level model does. */
interface SplitPattern {
  /**
   * The end of the piece that starts at {@code start}, where {@code start < end}; nothing past
   * {@code end} is looked at.
   */
  int pieceEnd(String text, int start, int end);

  /** GPT-2's, which the ByteLevel pre-tokenizer of Hugging Face has built in. */
  SplitPattern GPT_2 = new Gpt2Split();

  /** Llama 3's: numbers in groups of up to three digits. */
  SplitPattern LLAMA_3 = new Llama3Split(3);

  /** Qwen 2's: Llama 3's with single digits. */
  SplitPattern QWEN_2 = new Llama3Split(1);

  /**
   * The end of the whitespace piece at {@code start}, by {@code \s+(?!\S)|\s+}: the last whitespace
   * character before something else is left to go with it, unless it is the only one.
   */
  static int spaceEnd(String text, int start, int end) {
    int stop = CharacterClass.runEnd(text, start, end, CharacterClass.SPACE);
    return stop < end && stop - start > 1 ? stop - 1 : stop;
  }

  /**
   * The end of the contraction (one of 's 't 'm 'd 're 've 'll) at {@code start}, or -1.
   *
   * @param anyCase whether case is ignored; then ſ counts as an s
   */
  static int contractionEnd(String text, int start, int end, boolean anyCase) {
    if (text.charAt(start) != '\'' || start + 1 == end) {
      return -1;
    }
    char first = letter(text.charAt(start + 1), anyCase);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return start + 2;
    }
    if (start + 2 == end) {
      return -1;
    }
    char second = letter(text.charAt(start + 2), anyCase);
    boolean isContraction =
        ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
    return isContraction ? start + 3 : -1;
  }

  private static char letter(char c, boolean anyCase) {
    if (!anyCase) {
      return c;
    }
    return c == 'ſ' ? 's' : c >= 'A' && c <= 'Z' ? (char) (c + 'a' - 'A') : c;
  }

  /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
  final class Gpt2Split implements SplitPattern {
    static final String PATTERN =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    @Override
    public int pieceEnd(String text, int start, int end) {
      int contraction = contractionEnd(text, start, end, false);
      if (contraction > 0) {
        return contraction;
      }
      int first = text.charAt(start) == ' ' ? start + 1 : start;
      byte kind = first < end ? CharacterClass.at(text, first, end) : CharacterClass.SPACE;
      return kind == CharacterClass.SPACE
          ? spaceEnd(text, start, end)
          : CharacterClass.runEnd(text, first, end, kind);
    }
  }

  /** The pattern that {@link #pattern} spells, for one to three digits. */
  final class Llama3Split implements SplitPattern {
    private final int digits;

    Llama3Split(int digits) {
      this.digits = digits;
    }

    static String pattern(String number) {
      return "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
          + number
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }

    @Override
    public int pieceEnd(String text, int start, int end) {
      int contraction = contractionEnd(text, start, end, true);
      if (contraction > 0) {
        return contraction;
      }
      char c = text.charAt(start);
      byte kind = CharacterClass.at(text, start, end);
      if (kind == CharacterClass.LETTER) {
        return CharacterClass.runEnd(text, start, end, CharacterClass.LETTER);
      }
      if (kind == CharacterClass.NUMBER) {
        return numberEnd(text, start, end);
      }
      int second = start + (Character.isHighSurrogate(c) && start + 1 < end ? 2 : 1);
      byte secondKind = second < end ? CharacterClass.at(text, second, end) : CharacterClass.SPACE;
      if (secondKind == CharacterClass.LETTER && !isNewline(c)) {
        return CharacterClass.runEnd(text, second, end, CharacterClass.LETTER);
      }
      if (kind == CharacterClass.OTHER || (c == ' ' && secondKind == CharacterClass.OTHER)) {
        int i = CharacterClass.runEnd(text, c == ' ' ? second : start, end, CharacterClass.OTHER);
        while (i < end && isNewline(text.charAt(i))) {
          i++;
        }
        return i;
      }
      int stop = CharacterClass.runEnd(text, start, end, CharacterClass.SPACE);
      for (int i = stop; i > start; i--) {
        if (isNewline(text.charAt(i - 1))) {
          return i;
        }
      }
      return stop < end && stop - start > 1 ? stop - 1 : stop;
    }

    private int numberEnd(String text, int start, int end) {
      int i = start;
      for (int n = 0; n < digits && i < end; n++) {
        if (CharacterClass.at(text, i, end) != CharacterClass.NUMBER) {
          break;
        }
        i += Character.charCount(text.codePointAt(i));
      }
      return i;
    }

    private static boolean isNewline(char c) {
      return c == '\r' || c == '\n';
    }
  }
}
