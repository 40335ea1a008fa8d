package org.coreinfer.text;

import java.text.Normalizer.Form;

/** Changes text before it is cut into pieces. */
interface Normalizer {
  String normalize(String text);

  Normalizer NONE = text -> text;

  default Normalizer then(Normalizer next) {
    if (this == NONE || next == NONE) {
      return this == NONE ? next : this;
    }
    return text -> next.normalize(normalize(text));
  }

  /** Puts {@code prefix} before a text that is not empty. */
  static Normalizer prepend(String prefix) {
    return text -> text.isEmpty() ? text : prefix + text;
  }

  static Normalizer replace(String from, String to) {
    return text -> text.replace(from, to);
  }

  /** One of Unicode's four forms, as the Java runtime knows them. */
  static Normalizer unicode(Form form) {
    return text -> java.text.Normalizer.normalize(text, form);
  }

  /** Drops spaces at both ends, and all but one of those between words. */
  static Normalizer withoutExtraSpaces() {
    return text -> {
      StringBuilder kept = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c != ' ' || (!kept.isEmpty() && kept.charAt(kept.length() - 1) != ' ')) {
          kept.append(c);
        }
      }
      if (!kept.isEmpty() && kept.charAt(kept.length() - 1) == ' ') {
        kept.setLength(kept.length() - 1);
      }
      return kept.toString();
    };
  }
}
