package org.coreinfer.bench.compare;

import org.jspecify.annotations.Nullable;

/** One engine with one setting. */
interface Contender {
  /** As the table names it. */
  String label();

  /** The fraction of FFN neurons that decoding computes; null if the engine's own affair. */
  @Nullable Double keep();

  /** The command lines of a trial, for the record. */
  String command(Trial trial);

  /**
   * Runs once.
   *
   * @throws EngineFailure if it can't be started, fails, or prints what can't be read
   */
  Measured run(Trial trial) throws EngineFailure, InterruptedException;
}
