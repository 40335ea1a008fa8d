package org.coreinfer.serving;

import java.util.ArrayList;
import java.util.List;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.Method;
import org.coreinfer.error.OutOfNativeMemoryException;
import org.coreinfer.generation.Beginning;
import org.coreinfer.generation.Sequence;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.KvPool;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Sequences for prompts, and texts that are kept for prompts that begin alike. A prompt shares the
 * pages of what it begins with, whether that is a kept text or one that is being answered, and
 * leaves it as it is. Where pages are short, kept texts go, the least recently used first; of them
 * only pages are given back that nobody else uses. For one thread, except {@link #usedTokens}.
 */
final class KeptTexts implements AutoCloseable {
  private final Decoder decoder;
  private final int capacity;
  private final int most;
  private final int slots;
  private final Scheduler.Reuse reuse;
  private final KvPool pool;
  private final List<KeptText> kept = new ArrayList<>(); // least recently used first
  private final List<LentText> lent = new ArrayList<>();
  private final List<Sequence> idle = new ArrayList<>(); // empty ones, least recently used first

  /**
   * @param capacity the most tokens of a text
   * @param slots texts that are lent at once
   * @param most texts that are kept, at most; with as many whole texts the pages are full
   */
  KeptTexts(
      Decoder decoder, int capacity, DType cacheDtype, int slots, int most, Scheduler.Reuse reuse) {
    this.decoder = decoder;
    this.capacity = capacity;
    this.slots = slots;
    this.most = most;
    this.reuse = reuse;
    long longest = (long) KvLayer.pages(capacity) * KvLayer.PAGE;
    this.pool = decoder.newPool(cacheDtype, most * longest, this::evict);
  }

  /** A beginning of a prompt that somebody has. */
  private record Source(TextTokens tokens, @Nullable KeptText kept, @Nullable LentText lent) {
    static final Source NOBODY = new Source(TextTokens.NONE, null, null);
  }

  /** The longest beginning of a prompt, and how many tokens it has. */
  private record Found(Source source, int tokens) {}

  /**
   * Whether a text that is being read will soon hold more of a prompt than anybody does now, so
   * that to wait for it is to read less.
   *
   * @param wholePrompt whether all of the prompt is to be read
   */
  boolean isComing(int[] prompt, CoreOptions options, boolean wholePrompt) {
    if (wholePrompt || reuse == Scheduler.Reuse.NONE) {
      return false;
    }
    CoreOptions asked = asked(options);
    int known = -1;
    for (LentText each : lent) {
      int interval = each.sequence().shareInterval(asked);
      if (interval == 0) {
        continue;
      }
      int promised = each.promised().shared(prompt, Integer.MAX_VALUE, false);
      promised -= promised % interval;
      if (promised > each.read()) {
        known = known < 0 ? find(prompt, asked).tokens() : known;
        if (promised > known) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * A sequence that begins as a prompt, or an empty one, for the caller until it is given back.
   *
   * @param wholePrompt whether all of the prompt is to be read
   * @throws OutOfNativeMemoryException if there is no memory even without any kept text
   */
  LentText take(int[] prompt, CoreOptions options, boolean wholePrompt) {
    CoreOptions asked = asked(options);
    boolean isShared = !wholePrompt && reuse != Scheduler.Reuse.NONE;
    Found found = isShared ? find(prompt, asked) : new Found(Source.NOBODY, 0);
    Source source = found.source;
    if (source.kept != null) { // used last, so that it goes last while memory is sought
      kept.remove(source.kept);
      kept.add(source.kept);
    }
    Sequence sequence = empty(asked);
    try {
      int cached = 0;
      if (source.kept != null && kept.contains(source.kept)) {
        cached = sequence.beginAs(source.kept.beginning(), found.tokens);
      } else if (source.lent != null) {
        try (Beginning beginning = source.lent.sequence().beginning(found.tokens)) {
          cached = sequence.beginAs(beginning, found.tokens);
        }
      }
      LentText text = new LentText(sequence, prompt, source.tokens, cached);
      lent.add(text);
      return text;
    } catch (RuntimeException e) {
      sequence.close();
      throw e;
    }
  }

  private static CoreOptions asked(CoreOptions options) {
    return options.method() == Method.DENSE ? CoreOptions.dense() : options;
  }

  private Found find(int[] prompt, CoreOptions asked) {
    Found best = new Found(Source.NOBODY, 0);
    for (KeptText each : kept) {
      Beginning beginning = each.beginning();
      boolean answersToo =
          reuse == Scheduler.Reuse.CONVERSATIONS && beginning.options().equals(asked);
      int shared = each.tokens().shared(prompt, beginning.promptEnd(), answersToo);
      int usable = beginning.usable(shared, asked);
      if (usable > 0 && usable >= best.tokens) {
        best = new Found(new Source(each.tokens(), each, null), usable);
      }
    }
    for (LentText each : lent) {
      TextTokens known = each.known();
      boolean answersToo = reuse == Scheduler.Reuse.CONVERSATIONS && each.options().equals(asked);
      int end = answersToo ? known.length() : each.sequence().promptEnd();
      int shared = known.shared(prompt, end, false);
      int usable = each.sequence().usable(shared, asked);
      if (usable > best.tokens) {
        best = new Found(new Source(known, null, each), usable);
      }
    }
    return best;
  }

  private Sequence empty(CoreOptions options) {
    for (Sequence each : idle) {
      if (each.options().equals(options)) {
        idle.remove(each);
        return each;
      }
    }
    if (lent.size() + idle.size() >= slots && !idle.isEmpty()) {
      idle.remove(0).close();
    }
    while (true) {
      try {
        return Sequence.shareable(decoder, options, capacity, pool);
      } catch (OutOfNativeMemoryException e) {
        if (!idle.isEmpty()) {
          idle.remove(0).close();
        } else if (!evict()) {
          throw e;
        }
      }
    }
  }

  /** Forgets the text that was used longest ago, or returns false if none is kept. */
  private boolean evict() {
    if (kept.isEmpty()) {
      return false;
    }
    kept.remove(0).close();
    return true;
  }

  /**
   * Takes a text back and keeps it, in place of kept ones that it goes on from.
   *
   * @param tokens prompt and answer, of which the sequence may not hold the last one
   */
  void giveBack(LentText text, int[] tokens) {
    lent.remove(text);
    Sequence sequence = text.sequence();
    if (reuse != Scheduler.Reuse.NONE && sequence.position() > 0) {
      TextTokens whole = text.whole(tokens);
      for (KeptText each : List.copyOf(kept)) {
        if (each.beginning().options().equals(text.options()) && each.tokens().begins(whole)) {
          kept.remove(each);
          each.close();
        }
      }
      if (kept.size() >= most) {
        evict();
      }
      kept.add(new KeptText(whole, sequence.beginning(sequence.position())));
    }
    sequence.rewind(0);
    idle.add(sequence);
  }

  /** Takes a text back that can't be used any more. */
  void discard(LentText text) {
    lent.remove(text);
    text.close();
  }

  /** Tokens of the pages in use; a page counts once. From any thread. */
  long usedTokens() {
    return pool.usedTokens();
  }

  /** The most of them. */
  long tokens() {
    return pool.tokens();
  }

  /** Frees what is kept; nothing must be lent. */
  @Override
  public void close() {
    @Nullable RuntimeException failure = null;
    List<AutoCloseable> all = new ArrayList<>(kept);
    all.addAll(idle);
    kept.clear();
    idle.clear();
    for (AutoCloseable each : all) {
      try {
        each.close();
      } catch (RuntimeException e) {
        failure = failure == null ? e : failure;
      } catch (Exception e) {
        throw new IllegalStateException(e); // neither of them throws one
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
