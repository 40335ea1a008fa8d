package org.coreinfer.core;

/**
 * An estimate of what the left-out neurons of every layer give: {@code out (in x) + constant}, with
 * x what the FFN is given. Fitted by a calibration to the neurons that its documents left out at
 * one keep fraction. Not to be changed.
 *
 * @param in for each layer (rank, dim), F16
 * @param out for each layer (dim, rank), F16
 * @param constant for each layer (dim)
 */
public record LinearMap(int rank, short[][] in, short[][] out, float[][] constant) {
  int dim() {
    return constant[0].length;
  }
}
