package org.coreinfer.backend.cuda;

/**
 * A GPU as its driver describes it.
 *
 * @param number as CUDA counts them
 * @param major of the compute capability
 * @param minor of the compute capability
 * @param bytes all of its memory
 * @param bytesPerSecond what its memory can deliver by its clock and width; 0 if unknown
 */
public record Gpu(
    int number, String name, int major, int minor, long bytes, double bytesPerSecond) {
  /** The oldest architecture that kernels are compiled for (Turing). */
  private static final int OLDEST = 75;

  /** Whether kernels exist for it. */
  public boolean isSupported() {
    return major * 10 + minor >= OLDEST;
  }

  @Override
  public String toString() {
    return "device " + number + " (" + name + ", compute capability " + major + "." + minor + ")";
  }
}
