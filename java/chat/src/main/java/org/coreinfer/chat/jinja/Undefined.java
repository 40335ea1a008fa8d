package org.coreinfer.chat.jinja;

/**
 * What a name stands for that nobody defined: nothing when printed or looped over, false as a
 * condition, and an error in all else.
 *
 * @param reason a sentence for that error
 */
record Undefined(String reason) {
  JinjaException error() {
    return new JinjaException(reason);
  }
}
