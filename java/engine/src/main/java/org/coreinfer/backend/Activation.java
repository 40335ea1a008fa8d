package org.coreinfer.backend;

/** The FFN's activation; enum ci_activation of include/coreinfer/types.h gives the formulas. */
public enum Activation {
  RELU(0),
  SILU(1),
  DRELU(2),
  GELU(3);

  private final int code;

  Activation(int code) {
    this.code = code;
  }

  /** The value of enum ci_activation. */
  public int code() {
    return code;
  }
}
