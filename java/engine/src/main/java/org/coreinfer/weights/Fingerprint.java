package org.coreinfer.weights;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.coreinfer.tensor.Tensor;

/**
 * Tells weights from others: the SHA-256 of every tensor's name, dtype and shape and of some of its
 * bytes, taken evenly from its whole length. Of a large model some megabytes are read.
 */
public final class Fingerprint {
  private static final int SAMPLES = 64;
  private static final int SAMPLE_BYTES = 64;

  private Fingerprint() {}

  /** The fingerprint of a file's tensors, 32 bytes. */
  public static byte[] of(WeightFile file) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    for (Tensor tensor : file.tensors().values()) {
      String head =
          tensor.name() + '\n' + tensor.dtype() + ' ' + tensor.rows() + ' ' + tensor.columns();
      digest.update(head.getBytes(StandardCharsets.UTF_8));
      sample(tensor, digest);
    }
    return digest.digest();
  }

  private static void sample(Tensor tensor, MessageDigest digest) {
    long last = Math.max(0, tensor.bytes() - SAMPLE_BYTES);
    int samples = (int) Math.min(SAMPLES, last / SAMPLE_BYTES + 1);
    int size = (int) Math.min(SAMPLE_BYTES, tensor.bytes());
    for (int i = 0; i < samples; i++) {
      long begin = samples == 1 ? 0 : last * i / (samples - 1);
      digest.update(tensor.memory().buffer(begin, size));
    }
  }
}
