package org.coreinfer.hub;

import org.jspecify.annotations.Nullable;

/**
 * A file of a repository.
 *
 * @param name its path in the repository
 * @param size in bytes; -1 if the server does not say
 * @param sha256 of its content, in lower-case hexadecimal digits; null if the server does not say
 */
record RemoteFile(String name, long size, @Nullable String sha256) {
  private static final int LONGEST_NAME = 200; // of a file or folder, in characters
  private static final int LONGEST_PATH = 400;

  /** Whether the name stays within the folder that it is resolved against, on any system. */
  static boolean isSoundName(String name) {
    if (name.isEmpty() || name.length() > LONGEST_PATH) {
      return false;
    }
    for (String part : name.split("/", -1)) {
      boolean isSound =
          !part.isEmpty()
              && part.length() <= LONGEST_NAME
              && !part.startsWith(".")
              && !part.endsWith(".")
              && !part.endsWith(" ")
              && part.chars().noneMatch(c -> c < 0x20 || c == 0x7f || "\\:*?\"<>|".indexOf(c) >= 0);
      if (!isSound) {
        return false;
      }
    }
    return true;
  }
}
