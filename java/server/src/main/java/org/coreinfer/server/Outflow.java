package org.coreinfer.server;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * The body of an answer that is sent piece by piece. Each piece goes out at once; a client that has
 * left is a {@link ConnectionLostException}, which the second piece after that brings at the
 * latest.
 */
final class Outflow implements AutoCloseable {
  private final OutputStream out;
  private final WriteGuard guard;

  Outflow(OutputStream out, WriteGuard guard) {
    this.out = out;
    this.guard = guard;
  }

  void write(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    guard.run(
        () -> {
          out.write(bytes);
          out.flush();
        });
  }

  /** Ends the body, so that the client knows that it has all of it. */
  @Override
  public void close() {
    guard.run(out::close);
  }
}
