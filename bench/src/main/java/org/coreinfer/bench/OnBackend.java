package org.coreinfer.bench;

import org.coreinfer.backend.Host;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The parameters of benchmarks that compute on a backend. */
@State(Scope.Thread)
public abstract class OnBackend {
  @Param("cpu")
  public String backend;

  /** Of the CPU backend; 0 for all processors. */
  @Param("0")
  public int threads;

  /** What the CPU backend keeps of an activation for quantised weights: 16 or 8. */
  @Param("" + Host.USUAL_ACTIVATION_BITS)
  public int activationBits;
}
