package org.coreinfer.model;

import java.nio.IntBuffer;
import org.coreinfer.backend.Backend;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/** The numbers that change from one decoded token to the next, always at the same addresses. */
final class StepInputs implements AutoCloseable {
  private static final int COUNT = 3;

  private final Backend queue;
  private final Resources memory = new Resources();
  private final NativeMemory host;
  private final NativeMemory device; // the same on the CPU
  private final IntBuffer values;
  private final NativeMemory token;
  private final NativeMemory position;
  private final NativeMemory row;

  StepInputs(Backend queue) {
    this.queue = queue;
    try {
      long bytes = COUNT * Integer.BYTES;
      this.host = memory.own(queue.allocateHost("a token's place", bytes));
      this.device = queue.isHost() ? host : memory.own(queue.allocate("a token's place", bytes));
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
    this.values = host.ints();
    this.token = device.slice(0, Integer.BYTES);
    this.position = device.slice(Integer.BYTES, Integer.BYTES);
    this.row = device.slice(2 * Integer.BYTES, Integer.BYTES);
  }

  /**
   * Sets the next token; what was set before must have been read.
   *
   * @param learnedRow of the learned positions
   */
  void set(int tokenId, int tokenPosition, int learnedRow) {
    values.put(0, tokenId).put(1, tokenPosition).put(2, learnedRow);
    if (host != device) {
      queue.upload(host, device);
    }
  }

  NativeMemory token() {
    return token;
  }

  NativeMemory position() {
    return position;
  }

  /** The row of the learned positions. */
  NativeMemory row() {
    return row;
  }

  @Override
  public void close() {
    memory.close();
  }
}
