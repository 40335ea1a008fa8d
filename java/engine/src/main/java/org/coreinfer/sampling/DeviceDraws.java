package org.coreinfer.sampling;

import java.nio.ByteBuffer;
import org.coreinfer.backend.Backend;
import org.coreinfer.model.Logits;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;

/** Draws on a device: what a draw needs goes there in one copy, and the token comes back. */
final class DeviceDraws implements AutoCloseable {
  // Offsets in the memory that goes to the device.
  private static final int UNIFORM = 0; // f64
  private static final int COUNT = 8; // int32
  private static final int RECENT = 16; // int32, (count)

  private final Backend queue;
  private final int mostRecent;
  private final Resources resources = new Resources();
  private final NativeMemory inputHost;
  private final NativeMemory input;
  private final NativeMemory outputHost;
  private final NativeMemory output; // int32
  private final NativeMemory uniform;
  private final NativeMemory count;
  private final NativeMemory recentTokens;
  private final ByteBuffer inputView;
  private final ByteBuffer outputView;

  /**
   * @param mostRecent the most tokens that a penalty looks at
   */
  DeviceDraws(Backend queue, int mostRecent) {
    this.queue = queue;
    this.mostRecent = mostRecent;
    int bytes = Math.addExact(RECENT, Math.multiplyExact(Math.max(1, mostRecent), Integer.BYTES));
    try {
      this.inputHost = resources.own(queue.allocateHost("a draw", bytes));
      this.input = resources.own(queue.allocate("a draw", bytes));
      this.outputHost = resources.own(queue.allocateHost("a token", Integer.BYTES));
      this.output = resources.own(queue.allocate("a token", Integer.BYTES));
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
    this.uniform = input.slice(UNIFORM, Double.BYTES);
    this.count = input.slice(COUNT, Integer.BYTES);
    this.recentTokens = input.slice(RECENT, bytes - RECENT);
    this.inputView = inputHost.buffer(0, bytes);
    this.outputView = outputHost.buffer(0, Integer.BYTES);
  }

  int mostRecent() {
    return mostRecent;
  }

  /**
   * The next token; -1 if every logit is NaN.
   *
   * @param random in [0, 1); not used if the options are greedy
   */
  int draw(SamplingOptions options, RecentTokens recent, double random, Logits logits) {
    int vocabulary = logits.vocabulary();
    send(recent, random);
    if (recent.count() > 0) {
      float penalty = (float) options.repeatPenalty();
      queue.device().penalize(recentTokens, count, penalty, vocabulary, logits.memory());
    }
    if (options.isGreedy()) {
      queue.device().pickBest(logits.memory(), vocabulary, output);
    } else {
      queue
          .device()
          .draw(
              logits.memory(),
              vocabulary,
              (float) options.temperature(),
              options.topK(),
              (float) options.topP(),
              (float) options.minP(),
              uniform,
              output);
    }
    queue.download(output, outputHost);
    logits.markAwaited();
    return outputView.getInt(0);
  }

  private void send(RecentTokens recent, double random) {
    inputView.putDouble(UNIFORM, random).putInt(COUNT, recent.count());
    for (int i = 0; i < recent.count(); i++) {
      inputView.putInt(RECENT + i * Integer.BYTES, recent.token(i));
    }
    queue.upload(inputHost, input);
  }

  @Override
  public void close() {
    resources.close();
  }
}
