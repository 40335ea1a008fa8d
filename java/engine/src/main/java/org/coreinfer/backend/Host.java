package org.coreinfer.backend;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.LongToIntFunction;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.coreinfer.binding.CpuKernels;
import org.coreinfer.error.BackendUnavailableException;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.tensor.NativeMemory;
import org.jspecify.annotations.Nullable;

/**
 * The CPU library of this process: loaded once, with the BLAS of its prefill; mapped files; facts
 * for people.
 */
public final class Host {
  /** The bits of an activation that {@link #cpu(int)} keeps. */
  public static final int USUAL_ACTIVATION_BITS = 16;

  private Host() {}

  /** A CPU backend; {@code threads} 0 takes every processor. */
  public static Backend cpu(int threads) {
    return cpu(threads, USUAL_ACTIVATION_BITS);
  }

  /**
   * A CPU backend.
   *
   * @param threads 0 takes every processor
   * @param activationBits 16 or 8: what products keep of an activation, at least; see
   *     ci_host_context_create
   */
  public static Backend cpu(int threads, int activationBits) {
    int bits = requireActivationBits(activationBits);
    if (threads < 0 || threads > 1024) {
      throw new IllegalArgumentException("threads=" + threads + ": expected 0 (all) to 1024");
    }
    int workers = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    return Backend.cpu(library(), workers, bits);
  }

  /**
   * Refuses what is neither 8 nor 16.
   *
   * @return the bits
   * @throws IllegalArgumentException naming the value
   */
  public static int requireActivationBits(int bits) {
    if (bits != 8 && bits != 16) {
      throw new IllegalArgumentException("activation bits=" + bits + ": expected 8 or 16");
    }
    return bits;
  }

  /**
   * A file's bytes, read-only and mapped; closing the memory unmaps it.
   *
   * @throws CoreInferException if the file can't be mapped
   */
  public static NativeMemory map(Path file) {
    CpuKernels kernels = library();
    long[] address = new long[1];
    long[] bytes = new long[1];
    if (withPath(file, path -> kernels.ci_host_map(path, address, bytes)) != 0) {
      throw new CoreInferException(file + ": " + kernels.ci_error_message());
    }
    return new NativeMemory(
        file.toString(), address[0], bytes[0], () -> kernels.ci_host_unmap(address[0], bytes[0]));
  }

  /** Native memory that holds {@code bytes}. */
  public static NativeMemory copyOf(String name, byte[] bytes) {
    library();
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).put(bytes).rewind();
    long address = new Pointer(buffer).address();
    // The release keeps the buffer reachable until then.
    return new NativeMemory(name, address, bytes.length, buffer::clear);
  }

  /**
   * Brings mapped memory in from the disk and, where the system can, waits for it. What can't be
   * read is passed over.
   */
  public static void readAhead(NativeMemory memory) {
    library().ci_host_read_ahead(memory.address(), memory.bytes());
  }

  /**
   * {@code amx}, {@code avx512bf16}, {@code avx512vnni}, {@code avx512}, {@code avxvnni}, {@code
   * avx2} or {@code portable}: the best that this processor has.
   */
  public static String instructionSet() {
    return library().ci_host_instruction_set();
  }

  /** Why prefill runs without a BLAS library; null when it has one. */
  public static @Nullable String blasFailure() {
    library();
    return Library.blasFailure;
  }

  private static CpuKernels library() {
    try {
      return Library.KERNELS;
    } catch (ExceptionInInitializerError | NoClassDefFoundError e) {
      throw new BackendUnavailableException(
          "the native CPU library could not be loaded on "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + " (linux-x86_64 is supported): "
              + rootMessage(e),
          e);
    }
  }

  private static String rootMessage(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  private static int withPath(Path file, LongToIntFunction call) {
    byte[] utf8 = file.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer path = ByteBuffer.allocateDirect(utf8.length + 1).put(utf8).rewind();
    try {
      return call.applyAsInt(new Pointer(path).address());
    } finally {
      Reference.reachabilityFence(path);
    }
  }

  private static final class Library {
    static @Nullable String blasFailure;
    static final CpuKernels KERNELS = load();

    private static CpuKernels load() {
      // JavaCPP would compare the whole process, mapped weights included, with the heap's limit.
      System.setProperty("org.bytedeco.javacpp.maxBytes", "0");
      System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
      CpuKernels kernels = new CpuKernels();
      blasFailure = useBlas(kernels);
      return kernels;
    }

    private static @Nullable String useBlas(CpuKernels kernels) {
      try {
        Path bridge = Path.of(Loader.load(openblas_nolapack.class));
        Path blas = bridge.resolveSibling("libopenblas_nolapack.so.0");
        int status = withPath(blas, kernels::ci_host_use_blas);
        return status == 0 ? null : kernels.ci_error_message();
      } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
        return "OpenBLAS could not be loaded: " + e.getMessage();
      }
    }
  }
}
