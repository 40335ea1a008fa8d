package org.coreinfer.serving;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Memory for texts, of which those that were answered are kept until it is needed, the least
 * recently used going first. A prompt that begins like a kept text takes it over and goes on from
 * there. For one thread, except {@link #tokens}.
 */
final class KeptTexts implements AutoCloseable {
  private final Decoder decoder;
  private final int capacity;
  private final DType cacheDtype;
  private final int most;
  private final Scheduler.Reuse reuse;
  private final List<KeptText> kept = new ArrayList<>(); // least recently used first
  private final List<KeptText> lent = new ArrayList<>();
  private volatile long tokens;

  /**
   * @param capacity the most tokens of a text
   * @param most texts that there is memory for, lent ones included
   */
  KeptTexts(Decoder decoder, int capacity, DType cacheDtype, int most, Scheduler.Reuse reuse) {
    this.decoder = decoder;
    this.capacity = capacity;
    this.cacheDtype = cacheDtype;
    this.most = most;
    this.reuse = reuse;
  }

  /**
   * A text that begins a prompt, or an empty one, for the caller until it is given back.
   *
   * @param wholePrompt whether all of the prompt is to be read
   * @throws OutOfNativeMemoryException if there is no memory even without any kept text
   */
  KeptText take(int[] prompt, CoreOptions options, boolean wholePrompt) {
    CoreOptions asked = options.method() == Method.DENSE ? CoreOptions.dense() : options;
    KeptText best = null;
    int shared = 0;
    for (KeptText each : kept) {
      int common =
          wholePrompt || reuse == Scheduler.Reuse.NONE || !each.options().equals(asked)
              ? 0
              : each.shared(prompt, reuse == Scheduler.Reuse.CONVERSATIONS);
      if (common > 0 && common >= shared && isWorth(each, common, each.common(prompt))) {
        best = each;
        shared = common;
      }
    }
    KeptText text = best == null ? empty(asked) : best;
    kept.remove(text);
    lent.add(text);
    text.resume(shared);
    count();
    return text;
  }

  /**
   * Whether a text gives more than is lost of it, or will be lost anyway.
   *
   * @param common tokens that a prompt begins with as it does
   */
  private boolean isWorth(KeptText text, int shared, int common) {
    boolean isLostAnyway = isFull() && kept.indexOf(text) == 0;
    return isLostAnyway || shared >= text.length() - common;
  }

  private boolean isFull() {
    return kept.size() + lent.size() >= most;
  }

  private KeptText empty(CoreOptions options) {
    if (isFull()) {
      KeptText oldest = kept.remove(0);
      if (oldest.options().equals(options)) {
        return oldest;
      }
      oldest.close();
    }
    while (true) {
      try {
        return new KeptText(Sequence.resumable(decoder, options, capacity, cacheDtype));
      } catch (OutOfNativeMemoryException e) {
        if (kept.isEmpty()) {
          throw e;
        }
        kept.remove(0).close();
      }
    }
  }

  /**
   * Takes a text back and keeps it.
   *
   * @param text which says what its tokens are
   */
  void giveBack(KeptText text) {
    lent.remove(text);
    if (text.length() == 0 || reuse == Scheduler.Reuse.NONE) {
      kept.add(0, text);
    } else {
      kept.add(text);
    }
    count();
  }

  /** Takes a text back that can't be used any more. */
  void discard(KeptText text) {
    lent.remove(text);
    text.close();
    count();
  }

  /** Says that lent texts have grown. */
  void count() {
    long sum = 0;
    for (List<KeptText> texts : List.of(kept, lent)) {
      for (KeptText each : texts) {
        sum += each.sequence().position();
      }
    }
    tokens = sum;
  }

  /** Tokens that are kept, when {@link #count} was called last. From any thread. */
  long tokens() {
    return tokens;
  }

  /** Frees what is kept; nothing must be lent. */
  @Override
  public void close() {
    @Nullable RuntimeException failure = null;
    for (KeptText each : kept) {
      try {
        each.close();
      } catch (RuntimeException e) {
        failure = failure == null ? e : failure;
      }
    }
    kept.clear();
    count();
    if (failure != null) {
      throw failure;
    }
  }
}
