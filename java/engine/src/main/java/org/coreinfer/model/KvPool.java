package org.coreinfer.model;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.error.CacheFullException;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.tensor.DType;

/**
 * What the sequences of a model may have of keys and values together. They take pages of {@link
 * KvLayer#PAGE} tokens as they grow, and give them back when they are cut or closed. Thread-safe.
 */
public final class KvPool {
  private final Backend backend;
  private final ModelConfig config;
  private final DType dtype;
  private final long mostPages;
  private final BooleanSupplier reclaim;
  private final AtomicLong used = new AtomicLong();

  /**
   * @param dtype F32 or F16
   * @param tokens of all sequences; rounded up to whole pages
   * @param reclaim called where there is no further page or no memory for it, on the thread that
   *     wants one: gives some back that nobody needs, or returns false
   */
  KvPool(Backend backend, ModelConfig config, DType dtype, long tokens, BooleanSupplier reclaim) {
    if (tokens < 1) {
      throw new IllegalArgumentException("a cache of " + tokens + " tokens: expected 1 or more");
    }
    if (dtype != DType.F32 && dtype != DType.F16) {
      throw new IllegalArgumentException("a cache of " + dtype + ": expected F32 or F16");
    }
    this.backend = backend;
    this.config = config;
    this.dtype = dtype;
    this.reclaim = reclaim;
    this.mostPages = (tokens - 1) / KvLayer.PAGE + 1;
  }

  public DType dtype() {
    return dtype;
  }

  /** The most tokens, in whole pages; {@link Long#MAX_VALUE} if there is no limit. */
  public long tokens() {
    return mostPages > Long.MAX_VALUE / KvLayer.PAGE ? Long.MAX_VALUE : mostPages * KvLayer.PAGE;
  }

  /** The tokens of pages in use; a page that sequences share counts once. */
  public long usedTokens() {
    return used.get() * KvLayer.PAGE;
  }

  /** The bytes of one page, in all layers. */
  static long pageBytes(ModelConfig config, DType dtype) {
    return Math.multiplyExact(config.layers(), KvLayer.pageBytes(config.kvDim(), dtype));
  }

  ModelConfig config() {
    return config;
  }

  /**
   * A page for its first user.
   *
   * @throws CacheFullException if all are in use
   * @throws OutOfNativeMemoryException if there is no memory for it
   */
  KvPage take() {
    while (true) {
      try {
        return takeAtOnce();
      } catch (CacheFullException | OutOfNativeMemoryException e) {
        if (!reclaim.getAsBoolean()) {
          throw e;
        }
      }
    }
  }

  private KvPage takeAtOnce() {
    if (used.incrementAndGet() > mostPages) {
      used.decrementAndGet();
      throw new CacheFullException(
          "the cache of %d tokens is full: its %d pages of %d tokens are in use; end other sequences or give the cache more tokens"
              .formatted(tokens(), mostPages, KvLayer.PAGE));
    }
    try {
      return new KvPage(
          backend.allocate("keys and values", pageBytes(config, dtype)), used::decrementAndGet);
    } catch (RuntimeException e) {
      used.decrementAndGet();
      throw e;
    }
  }
}
