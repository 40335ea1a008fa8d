package org.coreinfer.sampling;

import java.util.SplittableRandom;
import org.coreinfer.model.Logits;

/** Draws tokens where the logits are. */
final class DeviceSampler implements Sampler {
  private final SamplingOptions options;
  private final RecentTokens recent;
  private final DeviceDraws draws;
  private final SplittableRandom random;

  DeviceSampler(SamplingOptions options, RecentTokens recent, DeviceDraws draws) {
    this.options = options;
    this.recent = recent;
    this.draws = draws;
    this.random = new SplittableRandom(options.seed());
  }

  @Override
  public void accept(int token) {
    recent.accept(token);
  }

  @Override
  public void mark() {
    recent.mark();
  }

  @Override
  public void rewind() {
    recent.rewind();
  }

  @Override
  public int sample(Logits logits) {
    double uniform = options.isGreedy() ? 0 : random.nextDouble();
    return Candidates.usable(draws.draw(options, recent, uniform, logits));
  }
}
