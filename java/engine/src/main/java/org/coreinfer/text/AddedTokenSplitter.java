package org.coreinfer.text;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.coreinfer.text.Tokenizer.WrittenTokens;
import org.jspecify.annotations.Nullable;

/**
 * Finds added tokens in text: matches from left to right, of those that begin together the longest.
 */
final class AddedTokenSplitter {
  /** Takes the parts of a text in order. */
  interface Sink {
    /** An added token, or the text {@code [start, end)} between two where {@code token} is null. */
    void accept(@Nullable AddedToken token, int start, int end);
  }

  private static final class Node {
    private final Map<Character, Node> children = new HashMap<>();
    private @Nullable AddedToken token;
  }

  private record Match(AddedToken token, int end) {}

  private final Node root = new Node();
  private final BitSet firstCharacters = new BitSet();

  /** Adds what to look for; of two tokens with the same pattern the first one counts. */
  void add(String pattern, AddedToken token) {
    if (pattern.isEmpty()) {
      return;
    }
    firstCharacters.set(pattern.charAt(0));
    Node node = root;
    for (int i = 0; i < pattern.length(); i++) {
      node = node.children.computeIfAbsent(pattern.charAt(i), c -> new Node());
    }
    if (node.token == null) {
      node.token = token;
    }
  }

  /** Passes on the tokens and the text between them; tokens that don't count are text. */
  void split(String text, WrittenTokens written, Sink parts) {
    int done = 0;
    int from = firstCharacters.isEmpty() ? text.length() : 0;
    while (from < text.length()) {
      Match match = firstCharacters.get(text.charAt(from)) ? longestAt(text, from) : null;
      if (match == null) {
        from++;
        continue;
      }
      AddedToken token = match.token;
      int start = from;
      int end = match.end;
      from = end;
      boolean isText = !written.count(token.content(), token.special(), start, end);
      if (isText || (token.singleWord() && touchesWord(text, start, end))) {
        continue;
      }
      if (token.lstrip()) {
        while (start > done && CharacterClass.isSpace(text.charAt(start - 1))) {
          start--;
        }
      }
      if (token.rstrip()) {
        while (end < text.length() && CharacterClass.isSpace(text.charAt(end))) {
          end++;
        }
      }
      if (done < start) {
        parts.accept(null, done, start);
      }
      parts.accept(token, start, end);
      done = end;
    }
    if (done < text.length()) {
      parts.accept(null, done, text.length());
    }
  }

  private @Nullable Match longestAt(String text, int start) {
    Match longest = null;
    Node node = root;
    for (int i = start; i < text.length(); i++) {
      node = node.children.get(text.charAt(i));
      if (node == null) {
        break;
      }
      if (node.token != null) {
        longest = new Match(node.token, i + 1);
      }
    }
    return longest;
  }

  private static boolean touchesWord(String text, int start, int end) {
    return (start > 0 && CharacterClass.isWord(text.codePointBefore(start)))
        || (end < text.length() && CharacterClass.isWord(text.codePointAt(end)));
  }
}
