package org.coreinfer.sampling;

import org.coreinfer.backend.Backend;
import org.jspecify.annotations.Nullable;

/**
 * The samplers of one sequence, one after another. Where the logits are on a device, tokens are
 * drawn there, and nothing else is copied.
 */
public final class Samplers implements AutoCloseable {
  private final Backend queue;
  private @Nullable DeviceDraws draws;

  /**
   * @param queue the backend on which the sequence's logits are computed
   */
  public Samplers(Backend queue) {
    this.queue = queue;
  }

  /** A sampler for an answer; the one before must not be used any more. */
  public Sampler start(SamplingOptions options) {
    return start(options, null);
  }

  /**
   * A sampler of the tokens that a constraint allows, or of all; the one before must not be used
   * any more. Under a constraint, or with adjustments, tokens are drawn on the host.
   */
  public Sampler start(SamplingOptions options, @Nullable TokenConstraint constraint) {
    if (queue.isHost() || constraint != null || !options.adjustments().isNone()) {
      return new HostSampler(options, orNone(constraint));
    }
    RecentTokens recent = new RecentTokens(options);
    return new DeviceSampler(options, recent, draws(recent.limit()));
  }

  /** Draws drafts and what verifies them; the sampler before must not be used any more. */
  public DraftSampler startDrafts(SamplingOptions options, @Nullable TokenConstraint constraint) {
    return options.isGreedy()
        ? new GreedyDrafts(start(options, constraint))
        : new RandomDrafts(options, orNone(constraint));
  }

  private static TokenConstraint orNone(@Nullable TokenConstraint constraint) {
    return constraint == null ? Unconstrained.INSTANCE : constraint;
  }

  private DeviceDraws draws(int recent) {
    DeviceDraws held = draws;
    if (held == null || held.mostRecent() < recent) {
      close();
      held = new DeviceDraws(queue, recent);
      draws = held;
    }
    return held;
  }

  @Override
  public void close() {
    if (draws != null) {
      draws.close();
      draws = null;
    }
  }
}
