package org.coreinfer.chat.jinja;

/** Python's {@code None}. */
enum None {
  NONE
}
