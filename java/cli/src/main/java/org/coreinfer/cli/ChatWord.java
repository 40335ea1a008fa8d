package org.coreinfer.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The commands within a conversation. */
enum ChatWord {
  HELP("", "show these commands"),
  SYSTEM("[TEXT]", "set the system prompt, or drop it; the conversation goes on"),
  KEEP("[FRACTION]", "compute this share of the neurons; 1 is dense"),
  METHOD("[NAME]", "auto, similarity, stability or dense"),
  TEMPERATURE("[T]", "0 takes the most likely token; higher draws more freely"),
  REGEN("", "answer the latest turn anew; drawn answers differ"),
  UNDO("", "take the latest turn and its answer back"),
  CLEAR("", "begin anew, with the same system prompt"),
  SAVE("FILE", "write the conversation as JSON"),
  LOAD("FILE", "go on with a conversation from a file"),
  STATS("", "show what the conversation took so far"),
  EXIT("", "end the conversation");

  private final String argument;
  private final String meaning;

  ChatWord(String argument, String meaning) {
    this.argument = argument;
    this.meaning = meaning;
  }

  /** As it is typed. */
  String word() {
    return "/" + name().toLowerCase(Locale.ROOT);
  }

  static List<String> names() {
    return Arrays.stream(values()).map(ChatWord::word).toList();
  }

  /** The command of this name; null if there is none. */
  static @Nullable ChatWord of(String word) {
    return Arrays.stream(values()).filter(w -> w.word().equals(word)).findFirst().orElse(null);
  }

  /** All commands, one a line. */
  static String help() {
    StringBuilder help = new StringBuilder();
    for (ChatWord word : values()) {
      help.append("  %-20s %s%n".formatted(word.word() + " " + word.argument, word.meaning));
    }
    return help.append("  A turn that begins with a slash is written with two.").toString();
  }
}
