package org.coreinfer.text;

/**
 * A token that is found in the text before anything else cuts it.
 *
 * @param special whether it is for the model only: decoding skips it
 * @param normalized whether it is looked for in normalized text, in its own normalized form
 * @param lstrip whether it takes the whitespace before it
 * @param rstrip whether it takes the whitespace after it
 * @param singleWord whether it counts only where no letter or digit touches it
 */
record AddedToken(
    int id,
    String content,
    boolean special,
    boolean normalized,
    boolean lstrip,
    boolean rstrip,
    boolean singleWord) {

  /** Found in the text as it was given, and nothing else taken with it. */
  static AddedToken plain(int id, String content, boolean special) {
    return new AddedToken(id, content, special, false, false, false, false);
  }
}
