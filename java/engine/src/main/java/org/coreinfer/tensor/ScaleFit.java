package org.coreinfer.tensor;

/**
 * The scale, and the offset where a format has one, with which a group of numbers is stored with
 * the least squared error, weighted with the numbers' magnitudes. Codes follow from the scale and
 * the scale from the codes, so both are tried from several starts: code ranges a little narrower or
 * wider than the group's own. Holds the last result; for one thread.
 */
final class ScaleFit {
  private static final double[] RANGES = {0, -0.3, 0.3, -0.6, 0.6, -0.9, 0.9, 1.3, -1.3, -2, -3};

  private final float[] weights = new float[32];
  private double scale;
  private double offset;

  // Weighted sums over a group: of 1, x, x^2, and with codes of code, code^2, code * x.
  private double sumOne;
  private double sumValue;
  private double sumValueValue;
  private double sumCode;
  private double sumCodeCode;
  private double sumCodeValue;

  /** Of the last fit. */
  double scale() {
    return scale;
  }

  /** Of the last fit. */
  double offset() {
    return offset;
  }

  /**
   * Fits {@code scale * code + offset}, codes from 0 to {@code most}, scale at least 0.
   *
   * @param start of the group in {@code row}
   * @param size at most 32
   * @param isOffsetFree whether the offset may be above 0
   */
  void fitWithOffset(float[] row, int start, int size, int most, boolean isOffsetFree) {
    weigh(row, start, size);
    float low = isOffsetFree ? row[start] : 0;
    float high = row[start];
    for (int i = start; i < start + size; i++) {
      low = Math.min(low, row[i]);
      high = Math.max(high, row[i]);
    }
    scale = 0;
    offset = low;
    if (high <= low) {
      return;
    }
    double least = Double.POSITIVE_INFINITY;
    for (double range : RANGES) {
      float inverse = (float) ((most + range) / ((double) high - low));
      sumCodes(row, start, size, inverse, -low * inverse, most);
      double determinant = sumOne * sumCodeCode - sumCode * sumCode;
      double newScale = (sumOne * sumCodeValue - sumCode * sumValue) / determinant;
      double newOffset = (sumCodeCode * sumValue - sumCode * sumCodeValue) / determinant;
      if (!isOffsetFree && !(newOffset <= 0)) {
        newScale = sumCodeValue / sumCodeCode;
        newOffset = 0;
      }
      double error = error(newScale, newOffset);
      if (newScale > 0 && error < least) {
        least = error;
        scale = newScale;
        offset = newOffset;
      }
    }
  }

  /**
   * Fits {@code scale * code}, codes from {@code -half} to {@code half - 1}; the scale may be
   * negative.
   *
   * @param start of the group in {@code row}
   * @param size at most 32
   */
  void fit(float[] row, int start, int size, int half) {
    weigh(row, start, size);
    float extreme = 0;
    for (int i = start; i < start + size; i++) {
      extreme = Math.abs(row[i]) > Math.abs(extreme) ? row[i] : extreme;
    }
    scale = 0;
    offset = 0;
    if (extreme == 0) {
      return;
    }
    double least = Double.POSITIVE_INFINITY;
    for (double range : RANGES) {
      float inverse = (float) (-(half + range) / extreme);
      sumCodes(row, start, size, inverse, half, 2 * half - 1);
      // Codes were counted from 0 on.
      double codeValue = sumCodeValue - half * sumValue;
      double codeCode = sumCodeCode - 2.0 * half * sumCode + (double) half * half * sumOne;
      double error = sumValueValue - codeValue * codeValue / codeCode;
      if (codeCode > 0 && error < least) {
        least = error;
        scale = codeValue / codeCode;
      }
    }
  }

  /** Sets a group's weights: large numbers count more, but small ones are not given up. */
  void weigh(float[] row, int start, int size) {
    double squares = 0;
    for (int i = 0; i < size; i++) {
      squares += (double) row[start + i] * row[start + i];
    }
    float typical = (float) Math.sqrt(squares / size);
    sumOne = 0;
    sumValue = 0;
    sumValueValue = 0;
    for (int i = 0; i < size; i++) {
      float x = row[start + i];
      float weight = typical + Math.abs(x);
      weights[i] = weight;
      sumOne += weight;
      sumValue += (double) weight * x;
      sumValueValue += (double) weight * x * x;
    }
  }

  private void sumCodes(float[] row, int start, int size, float inverse, float shift, int most) {
    double code = 0;
    double codeCode = 0;
    double codeValue = 0;
    for (int i = 0; i < size; i++) {
      float x = row[start + i];
      int q = (int) (x * inverse + shift + 0.5f);
      q = q < 0 ? 0 : Math.min(q, most);
      double weighted = (double) weights[i] * q;
      code += weighted;
      codeCode += weighted * q;
      codeValue += weighted * x;
    }
    sumCode = code;
    sumCodeCode = codeCode;
    sumCodeValue = codeValue;
  }

  private double error(double scale, double offset) {
    return sumValueValue
        + scale * scale * sumCodeCode
        + offset * offset * sumOne
        + 2 * (scale * offset * sumCode - scale * sumCodeValue - offset * sumValue);
  }

  /**
   * The squared error of the group that was weighed last if stored with these, each number as near
   * as codes from {@code lowest} to {@code highest} allow.
   */
  double errorOf(
      float[] row, int start, int size, float scale, float offset, int lowest, int highest) {
    float inverse = inverse(scale);
    double error = 0;
    for (int i = 0; i < size; i++) {
      float x = row[start + i];
      int code = code(x, inverse, offset, lowest, highest);
      double difference = (double) scale * code + offset - x;
      error += weights[i] * difference * difference;
    }
    return error;
  }

  /** 1 / scale, or 0 where there is none. */
  static float inverse(float scale) {
    return scale == 0 ? 0 : 1 / scale;
  }

  /** The code between these that is nearest to x. */
  static int code(float x, float inverse, float offset, int lowest, int highest) {
    int code = (int) ((x - offset) * inverse - lowest + 0.5f);
    return lowest + (code < 0 ? 0 : Math.min(code, highest - lowest));
  }
}
