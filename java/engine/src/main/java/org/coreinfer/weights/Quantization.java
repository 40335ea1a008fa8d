package org.coreinfer.weights;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.coreinfer.tensor.DType;

/**
 * What the tensors of a GGUF file are stored in: one dtype for all matrices or, as in llama.cpp's
 * {@code _M} mixes, a larger one where it matters most. Vectors are F32. A matrix whose rows a
 * dtype can't hold gets the next larger one that can, as in llama.cpp.
 */
public enum Quantization {
  F32(0, DType.F32),
  F16(1, DType.F16),
  BF16(32, DType.BF16),
  Q8_0(7, DType.Q8_0),
  Q4_0(2, DType.Q4_0),
  Q4_1(3, DType.Q4_1),
  Q5_0(8, DType.Q5_0),
  Q5_1(9, DType.Q5_1),
  Q4_K(14, DType.Q4_K),
  Q5_K(16, DType.Q5_K),
  Q6_K(18, DType.Q6_K),
  /** Q4_K, with Q6_K for the head and for half of the value and down projections. */
  Q4_K_M(15, DType.Q4_K),
  /** Q5_K, with Q6_K for the head and for half of the value and down projections. */
  Q5_K_M(17, DType.Q5_K);

  private static final Pattern NEVER_QUANTISED =
      Pattern.compile(".*norm.*|.*\\.bias|position_embd\\..*|token_types\\..*|.*ffn_gate_inp\\..*");
  private static final Pattern IN_BLOCK = Pattern.compile("blk\\.(\\d{1,9})\\.(\\w+)\\.weight");

  private final int fileType;
  private final DType dtype;

  Quantization(int fileType, DType dtype) {
    this.fileType = fileType;
    this.dtype = dtype;
  }

  /** The value of GGUF's key {@code general.file_type}. */
  public int fileType() {
    return fileType;
  }

  /** Of most matrices. */
  public DType dtype() {
    return dtype;
  }

  /**
   * What a tensor is stored in.
   *
   * @param name GGUF's
   * @param layers of the model
   * @param isTied whether the embedding is the head, too
   */
  public DType dtypeOf(String name, int rows, int columns, int layers, boolean isTied) {
    if (rows == 1) {
      return DType.F32;
    }
    if (NEVER_QUANTISED.matcher(name).matches()) {
      return dtype.isPlain() ? dtype : DType.F16;
    }
    return fitting(isMix() && matters(name, layers, isTied) ? DType.Q6_K : dtype, columns);
  }

  private boolean isMix() {
    return this == Q4_K_M || this == Q5_K_M;
  }

  /** Whether a mix stores a matrix in its larger dtype. */
  private static boolean matters(String name, int layers, boolean isTied) {
    if (name.equals(isTied ? "token_embd.weight" : "output.weight")) {
      return true;
    }
    Matcher part = IN_BLOCK.matcher(name);
    if (!part.matches()) {
      return false;
    }
    int layer = Integer.parseInt(part.group(1));
    return switch (part.group(2)) {
      // The first and the last eighth of the layers, and each third one between them.
      case "attn_v", "ffn_down", "ffn_down_t" ->
          layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
      default -> false;
    };
  }

  private static DType fitting(DType wanted, int columns) {
    DType dtype = wanted;
    while (columns % dtype.groupSize() != 0) {
      dtype =
          switch (dtype) {
            case Q4_K -> DType.Q5_0;
            case Q5_K -> DType.Q5_1;
            case Q6_K -> DType.Q8_0;
            default -> DType.F16;
          };
    }
    return dtype;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
