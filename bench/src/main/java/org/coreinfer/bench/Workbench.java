package org.coreinfer.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.FfnWeights;
import org.coreinfer.backend.Host;
import org.coreinfer.backend.cuda.Cuda;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.NativeMemory;
import org.coreinfer.tensor.Resources;
import org.coreinfer.tensor.RowCodec;
import org.coreinfer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A backend with random numbers in its memory, which {@link #close} gives back. Matrices repeat
 * their first {@value #BLOCK_ROWS} rows: kernels can't tell. For one thread at a time.
 */
final class Workbench implements AutoCloseable {
  static final String CPU = "cpu";
  static final String CUDA = "cuda";

  private static final int BLOCK_ROWS = 64;

  /** Lifts every neuron of an ungated FFN above 0, so that each listed one is computed in full. */
  private static final float FIRING_BIAS = 16;

  private final Backend device;
  private final Backend host;
  private final Resources resources = new Resources();
  private final RandomNumbers random = new RandomNumbers(17);

  private Workbench(Backend device) {
    this.device = device;
    resources.onClose(device::close);
    this.host = Host.cpu(1);
    resources.onClose(host::close);
  }

  /**
   * Opens a backend.
   *
   * @throws org.coreinfer.error.BackendUnavailableException if there is none, saying why
   */
  static Workbench open(OnBackend parameters) {
    return open(parameters.backend, parameters.threads, parameters.activationBits);
  }

  /**
   * Opens a backend whose host part has one thread.
   *
   * @param backend {@code cpu} or {@code cuda}
   * @throws org.coreinfer.error.BackendUnavailableException if there is none, saying why
   */
  static Workbench open(String backend) {
    return open(backend, 1, Host.USUAL_ACTIVATION_BITS);
  }

  private static Workbench open(String backend, int threads, int activationBits) {
    requireBackend(backend);
    return new Workbench(backend.equals(CUDA) ? Cuda.open(0) : Host.cpu(threads, activationBits));
  }

  /**
   * Checks a backend's name.
   *
   * @throws IllegalArgumentException if it names none
   */
  static void requireBackend(String name) {
    if (!name.equals(CPU) && !name.equals(CUDA)) {
      throw new IllegalArgumentException(
          "unknown backend \"" + name + "\"; expected " + CPU + " or " + CUDA);
    }
  }

  /**
   * Checks that a backend is here.
   *
   * @throws org.coreinfer.error.BackendUnavailableException if not, saying why
   */
  static void requireUsable(String backend) {
    // A GPU that was opened would keep some of its memory until this process ends.
    if (backend.equals(CUDA) && !Cuda.status().isUsable()) {
      Cuda.open(0).close();
    }
  }

  Backend device() {
    return device;
  }

  /** A matrix of a model file, where kernels read it. */
  Tensor matrix(DType dtype, int rows, int columns) {
    Tensor source = source(dtype, rows, columns);
    if (device.isHost()) {
      resources.own(source.memory());
      return device.place(source);
    }
    try {
      return owned(device.place(source));
    } finally {
      source.memory().close();
    }
  }

  private Tensor down(DType dtype, int neurons, int dim) {
    Tensor source = source(dtype, dim, neurons);
    try {
      return owned(device.placeDown(source));
    } finally {
      source.memory().close();
    }
  }

  private Tensor source(DType dtype, int rows, int columns) {
    NativeMemory memory = host.allocate("a matrix", dtype.bytes((long) rows * columns));
    fill(dtype, rows, columns, memory);
    return new Tensor("a matrix", dtype, rows, columns, memory);
  }

  private Tensor owned(Tensor tensor) {
    resources.own(tensor.memory());
    return tensor;
  }

  /** One layer's FFN; an ungated one has biases with which every neuron fires. */
  FfnWeights ffn(ModelShape shape, DType dtype) {
    int neurons = shape.neurons();
    int dim = shape.dim();
    Tensor gate = shape.isGated() ? matrix(dtype, neurons, dim) : null;
    Tensor up = matrix(dtype, neurons, dim);
    Tensor down = down(dtype, neurons, dim);
    NativeMemory upBias = shape.isGated() ? null : floats(FIRING_BIAS, 1, neurons);
    NativeMemory downBias = shape.isGated() ? null : floats(0, 1, dim);
    return new FfnWeights(shape.activation(), gate, up, down, null, upBias, downBias);
  }

  /** As many numbers, without a matrix's layout. */
  NativeMemory stored(DType dtype, long rows, int columns) {
    NativeMemory target = resources.own(device.allocate("numbers", dtype.bytes(rows * columns)));
    try (NativeMemory source = device.allocateHost("numbers", target.bytes())) {
      fill(dtype, rows, columns, source);
      device.upload(source, target);
      device.synchronize();
    }
    return target;
  }

  private void fill(DType dtype, long rows, int columns, NativeMemory memory) {
    int rowBytes = Math.toIntExact(dtype.bytes(columns));
    int step = (int) Math.min(rows, BLOCK_ROWS);
    ByteBuffer block = ByteBuffer.allocate(step * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] row = new float[columns];
    for (int i = 0; i < step; i++) {
      random.fill(0, 1 / Math.sqrt(columns), row);
      RowCodec.encode(dtype, row, block);
    }
    for (long first = 0; first < rows; first += step) {
      int bytes = (int) Math.min(step, rows - first) * rowBytes;
      memory.buffer(first * rowBytes, bytes).put(block.array(), 0, bytes);
    }
  }

  /** Normally distributed F32 numbers. */
  NativeMemory floats(double mean, double deviation, int count) {
    return floats(random.take(mean, deviation, count));
  }

  NativeMemory floats(float[] values) {
    NativeMemory memory = zeros(values.length);
    device.upload(values, memory);
    return memory;
  }

  /** F32 zeros, for a result. */
  NativeMemory zeros(long count) {
    return resources.own(device.allocateFloats("numbers", count));
  }

  NativeMemory ints(int... values) {
    NativeMemory memory = resources.own(device.allocateInts("numbers", values.length));
    device.upload(values, memory);
    return memory;
  }

  /**
   * A list as decoding gives it to kernels, with room for all {@code neurons}: none for all of
   * them, where the device can do without.
   */
  @Nullable NativeMemory list(int[] ids, int neurons) {
    return ids.length == neurons && device.isHost() ? null : ints(Arrays.copyOf(ids, neurons));
  }

  @Override
  public void close() {
    resources.close();
  }
}
