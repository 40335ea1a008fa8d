package org.coreinfer.server;

import java.time.Duration;
import org.coreinfer.Model;

/**
 * How much a server takes on. Immutable; start from {@link #usual} and change what should differ.
 *
 * @param slots answers that are computed at once
 * @param queue requests that wait for a slot; more are refused
 * @param bodyBytes the largest body of a request
 * @param prompts the most answers of one request: its prompts, times its {@code n}
 * @param tokens the most tokens of an answer that a request may ask for; 0 for the context's
 * @param timeout the longest time that a request may take, waiting included
 * @param connections requests that are served or wait at once, of all kinds
 * @param stalledWrite how long a client may take nothing of its answer before it counts as gone
 */
public record Limits(
    int slots,
    int queue,
    int bodyBytes,
    int prompts,
    int tokens,
    Duration timeout,
    int connections,
    Duration stalledWrite) {

  public Limits {
    atLeastOne("slots", slots);
    atLeastOne("queue", queue);
    atLeastOne("max-body", bodyBytes);
    atLeastOne("max-prompts", prompts);
    atLeastOne("max-connections", connections);
    if (tokens < 0) {
      throw new IllegalArgumentException("max-tokens=" + tokens + ": expected 0 or more");
    }
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException(
          "timeout=" + timeout.toSeconds() + ": expected 1 second or more");
    }
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + "=" + value + ": expected 1 or more");
    }
  }

  /** For a machine of its own. */
  public static Limits usual() {
    return new Limits(4, 64, 4 << 20, 128, 0, Duration.ofMinutes(10), 512, Duration.ofSeconds(30));
  }

  /** The most tokens of an answer of this model. */
  int mostTokens(Model model) {
    return tokens == 0 ? model.contextLength() : Math.min(tokens, model.contextLength());
  }

  public Limits withSlots(int value) {
    return new Limits(value, queue, bodyBytes, prompts, tokens, timeout, connections, stalledWrite);
  }

  public Limits withQueue(int value) {
    return new Limits(slots, value, bodyBytes, prompts, tokens, timeout, connections, stalledWrite);
  }

  public Limits withBodyBytes(int value) {
    return new Limits(slots, queue, value, prompts, tokens, timeout, connections, stalledWrite);
  }

  public Limits withPrompts(int value) {
    return new Limits(slots, queue, bodyBytes, value, tokens, timeout, connections, stalledWrite);
  }

  public Limits withTokens(int value) {
    return new Limits(slots, queue, bodyBytes, prompts, value, timeout, connections, stalledWrite);
  }

  public Limits withTimeout(Duration value) {
    return new Limits(slots, queue, bodyBytes, prompts, tokens, value, connections, stalledWrite);
  }

  public Limits withConnections(int value) {
    return new Limits(slots, queue, bodyBytes, prompts, tokens, timeout, value, stalledWrite);
  }

  public Limits withStalledWrite(Duration value) {
    return new Limits(slots, queue, bodyBytes, prompts, tokens, timeout, connections, value);
  }
}
