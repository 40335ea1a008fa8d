package org.coreinfer.cli;

import com.google.gson.annotations.SerializedName;

/**
 * One finding of {@code doctor}.
 *
 * @param detail what was found
 * @param advice what to do about it; empty if nothing
 */
record Check(String name, Status status, String detail, String advice) {
  /** A warning slows things down, a failure stops them. */
  enum Status {
    @SerializedName("ok")
    OK,
    @SerializedName("warn")
    WARN,
    @SerializedName("fail")
    FAIL
  }

  static Check ok(String name, String detail) {
    return new Check(name, Status.OK, detail, "");
  }

  static Check warn(String name, String detail, String advice) {
    return new Check(name, Status.WARN, detail, advice);
  }

  static Check fail(String name, String detail, String advice) {
    return new Check(name, Status.FAIL, detail, advice);
  }
}
