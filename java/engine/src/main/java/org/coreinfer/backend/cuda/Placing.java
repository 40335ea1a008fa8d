package org.coreinfer.backend.cuda;

import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Tensor;

/**
 * Brings matrices of a mapped file into device memory, in the layout that kernels read: one piece
 * is arranged in pinned memory while the one before is being copied. Thread-safe.
 */
final class Placing implements AutoCloseable {
  private static final long PIECE_BYTES = 16L << 20;
  private static final int GROUP = 32;

  private final CudaDevice device;
  private final Piece[] pieces = new Piece[2];
  private int next;

  private record Piece(NativeMemory memory, long event) {}

  Placing(CudaDevice device) {
    this.device = device;
  }

  /** Queues the copies of {@code source}, which may be unmapped afterwards. */
  synchronized void upload(CudaBackend queue, Tensor source, NativeMemory target) {
    DType dtype = source.dtype();
    int rows = source.rows();
    int columns = source.columns();
    long rowBytes = dtype.bytes(columns);
    int step = (int) Math.min(rows, Math.max(1, PIECE_BYTES / rowBytes / GROUP) * GROUP);
    long scaleBytes = (long) columns / dtype.groupSize() * dtype.scaleBytes();
    long scalesAt = rows * (rowBytes - scaleBytes);
    for (int first = 0; first < rows; first += step) {
      int count = Math.min(step, rows - first);
      Piece piece = nextPiece(step * rowBytes);
      device.runtime().awaitEvent(piece.event);
      NativeMemory part = source.memory().slice(first * rowBytes, count * rowBytes);
      arrange(dtype, part, count, columns, piece.memory);
      long quants = count * (rowBytes - scaleBytes);
      copy(queue, piece.memory.slice(0, quants), target, first * (rowBytes - scaleBytes));
      if (scaleBytes > 0) {
        NativeMemory scales = piece.memory.slice(quants, count * scaleBytes);
        copy(queue, scales, target, scalesAt + first * scaleBytes);
      }
      device.runtime().recordEvent(piece.event, queue.stream());
    }
  }

  private static void copy(CudaBackend queue, NativeMemory host, NativeMemory target, long offset) {
    queue.upload(host, target.slice(offset, host.bytes()));
  }

  /** Arranges a matrix as ci_cuda_arrange does. */
  void arrange(DType dtype, NativeMemory source, int rows, int columns, NativeMemory target) {
    int status =
        device
            .kernels()
            .ci_cuda_arrange(dtype.code(), source.address(), rows, columns, target.address());
    device.check(status, "ci_cuda_arrange", source + " rows=" + rows + " columns=" + columns);
  }

  private Piece nextPiece(long bytes) {
    next = 1 - next;
    Piece piece = pieces[next];
    if (piece == null || piece.memory.bytes() < bytes) {
      close(piece);
      pieces[next] = null;
      NativeMemory memory = device.allocatePinned("weights on their way", bytes);
      piece = new Piece(memory, device.runtime().newEvent(false));
      pieces[next] = piece;
    }
    return piece;
  }

  private void close(Piece piece) {
    if (piece != null) {
      device.runtime().awaitEvent(piece.event);
      device.runtime().closeEvent(piece.event);
      piece.memory.close();
    }
  }

  @Override
  public synchronized void close() {
    for (Piece piece : pieces) {
      close(piece);
    }
  }
}
