package org.coreinfer.model;

import java.util.List;
import org.coreinfer.tensor.DType;

/**
 * Keys and values of the first tokens of a sequence, held for others that begin alike: its pages
 * stay as they are now, whatever becomes of the sequence. For one thread at a time.
 */
public final class KvBeginning implements AutoCloseable {
  private final ModelConfig config;
  private final DType dtype;
  private final List<KvPage> pages; // each held once
  private final int tokens;
  private boolean isClosed;

  /**
   * @param pages those of the tokens, of which this becomes a user
   */
  KvBeginning(ModelConfig config, DType dtype, List<KvPage> pages, int tokens) {
    this.config = config;
    this.dtype = dtype;
    this.pages = pages.stream().map(KvPage::share).toList();
    this.tokens = tokens;
  }

  public int tokens() {
    return tokens;
  }

  List<KvPage> pages() {
    if (isClosed) {
      throw new IllegalStateException("the keys and values were given back");
    }
    return pages;
  }

  boolean isOf(ModelConfig other, DType otherDtype) {
    return config.equals(other) && dtype == otherDtype;
  }

  /** Lets go of the pages, whose memory goes back if nobody else uses them. */
  @Override
  public void close() {
    if (!isClosed) {
      isClosed = true;
      pages.forEach(KvPage::release);
    }
  }
}
