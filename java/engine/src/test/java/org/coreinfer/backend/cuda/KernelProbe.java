package org.coreinfer.backend.cuda;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToIntBiFunction;
import org.coreinfer.binding.NativeCudaKernels;
import org.jspecify.annotations.Nullable;

/** Stands between a backend and its kernels: counts calls, and lets some fail. */
final class KernelProbe implements InvocationHandler {
  private final NativeCudaKernels kernels;
  private final Map<String, Integer> calls = new ConcurrentHashMap<>();
  private final AtomicLong uploadedBytes = new AtomicLong();
  private volatile ToIntBiFunction<String, Object[]> failure = (name, arguments) -> 0;

  KernelProbe(NativeCudaKernels kernels) {
    this.kernels = kernels;
  }

  NativeCudaKernels watched() {
    Class<?>[] interfaces = {NativeCudaKernels.class};
    ClassLoader loader = KernelProbe.class.getClassLoader();
    return (NativeCudaKernels) Proxy.newProxyInstance(loader, interfaces, this);
  }

  /** How often a function was called. */
  int calls(String name) {
    return calls.getOrDefault(name, 0);
  }

  long uploadedBytes() {
    return uploadedBytes.get();
  }

  void reset() {
    calls.clear();
    uploadedBytes.set(0);
  }

  /** From now on a call fails with the status that {@code rule} gives it, unless that is 0. */
  void failWith(ToIntBiFunction<String, Object[]> rule) {
    failure = rule;
  }

  @Override
  public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
      throws Throwable {
    String name = method.getName();
    calls.merge(name, 1, Integer::sum);
    Object[] given = arguments == null ? new Object[0] : arguments;
    if (name.equals("ci_memory_upload")) {
      uploadedBytes.addAndGet((Long) given[2]);
    } else if (name.equals("ci_cuda_upload_async")) {
      uploadedBytes.addAndGet((Long) given[3]);
    }
    int status = failure.applyAsInt(name, given);
    if (status != 0) {
      return status;
    }
    try {
      return method.invoke(kernels, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }
}
