package org.coreinfer.backend.cuda;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToIntBiFunction;
import org.coreinfer.binding.NativeCudaKernels;
import org.jspecify.annotations.Nullable;

/** Stands between a backend and its kernels: counts calls, and lets some fail. */
final class KernelProbe implements InvocationHandler {
  private final NativeCudaKernels kernels;
  private final Map<String, Integer> calls = new ConcurrentHashMap<>();
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

  void reset() {
    calls.clear();
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
    int status = failure.applyAsInt(name, arguments == null ? new Object[0] : arguments);
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
