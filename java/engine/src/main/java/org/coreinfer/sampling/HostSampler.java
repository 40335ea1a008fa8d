package org.coreinfer.sampling;

import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import org.coreinfer.model.Logits;

/** Draws tokens from logits that Java can read. */
final class HostSampler implements Sampler {
  private final SamplingOptions options;
  private final SplittableRandom random;
  private final RecentTokens recent;
  private final Candidates candidates;

  HostSampler(SamplingOptions options) {
    this(options, Unconstrained.INSTANCE);
  }

  HostSampler(SamplingOptions options, TokenConstraint constraint) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
    this.recent = new RecentTokens(options);
    this.candidates = new Candidates(options, constraint);
  }

  @Override
  public void accept(int token) {
    recent.accept(token);
  }

  @Override
  public void mark() {
    recent.mark();
    candidates.mark();
  }

  @Override
  public void rewind() {
    recent.rewind();
    candidates.rewind();
  }

  @Override
  public int sample(Logits source) {
    return sample(source.read());
  }

  /**
   * The next token.
   *
   * @param source (vocabulary) logits; not changed
   */
  int sample(FloatBuffer source) {
    candidates.take(source, recent);
    int token = options.isGreedy() ? candidates.best() : candidates.draw(random.nextDouble());
    candidates.accept(token);
    return token;
  }
}
