package org.coreinfer.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.backend.Backend;
import org.coreinfer.backend.KvLayer;
import org.coreinfer.tensor.NativeMemory;

/**
 * One sequence's keys and values: pages that it takes as it grows, and their addresses where
 * kernels read them, always at the same place. For one thread at a time.
 */
final class KvCache implements AutoCloseable {
  private static final int PAGE = KvLayer.PAGE;

  private final Backend queue;
  private final KvPool pool;
  private final int layers;
  private final int places; // pages of the longest sequence
  private final long layerBytes; // of a page
  private final List<KvPage> pages = new ArrayList<>();
  private final NativeMemory table; // (layers, places), addresses
  private final int[] addresses; // the table's, each as two ints
  private final List<KvLayer> views;

  KvCache(Backend queue, KvPool pool, int capacity) {
    ModelConfig config = pool.config();
    this.queue = queue;
    this.pool = pool;
    this.layers = config.layers();
    this.places = KvLayer.pages(capacity);
    this.layerBytes = KvLayer.pageBytes(config.kvDim(), pool.dtype());
    this.addresses = new int[Math.multiplyExact(2 * layers, places)];
    long rowBytes = (long) places * Long.BYTES;
    this.table = queue.allocate("a list of pages", layers * rowBytes);
    this.views =
        IntStream.range(0, layers)
            .mapToObj(layer -> table.slice(layer * rowBytes, rowBytes))
            .map(row -> new KvLayer(row, capacity, pool.dtype()))
            .toList();
  }

  /** The bytes of the list of pages. */
  static long tableBytes(ModelConfig config, int capacity) {
    return (long) config.layers() * KvLayer.pages(capacity) * Long.BYTES;
  }

  KvPool pool() {
    return pool;
  }

  KvLayer layer(int layer) {
    return views.get(layer);
  }

  /** Tokens that the pages hold, taken or not. */
  int room() {
    return pages.size() * PAGE;
  }

  /**
   * Makes sure that tokens first..end-1 can be written: takes pages that are missing, and a copy in
   * place of one that others have, too. All before them must be there.
   *
   * @throws org.coreinfer.error.CacheFullException if the pool has no more
   */
  void reserve(int first, int end) {
    boolean isChanged = false;
    try {
      for (int place = first / PAGE; place * PAGE < end; place++) {
        if (place == pages.size()) {
          pages.add(pool.take());
        } else if (pages.get(place).isShared()) {
          KvPage shared = pages.get(place);
          pages.set(place, copy(shared));
          shared.release();
        } else {
          continue;
        }
        list(place);
        isChanged = true;
      }
    } finally {
      if (isChanged) {
        queue.upload(addresses, table);
      }
    }
  }

  private KvPage copy(KvPage page) {
    KvPage copy = pool.take();
    try {
      if (queue.isHost()) {
        queue.upload(page.memory(), copy.memory());
        return copy;
      }
      try (NativeMemory staging = queue.allocateHost("a copied page", page.memory().bytes())) {
        queue.download(page.memory(), staging);
        queue.upload(staging, copy.memory());
        queue.synchronize();
      }
      return copy;
    } catch (RuntimeException e) {
      copy.release();
      throw e;
    }
  }

  private void list(int place) {
    long address = pages.get(place).memory().address();
    for (int layer = 0; layer < layers; layer++) {
      int at = 2 * (layer * places + place);
      addresses[at] = (int) address;
      addresses[at + 1] = (int) (address >>> Integer.SIZE);
      address += layerBytes;
    }
  }

  /** Holds the pages of the first tokens for others. */
  KvBeginning beginning(int tokens) {
    queue.synchronize(); // what fills the pages may still be queued
    return new KvBeginning(
        pool.config(), pool.dtype(), pages.subList(0, KvLayer.pages(tokens)), tokens);
  }

  /** Begins as the first tokens of others; must be empty. */
  void begin(KvBeginning beginning, int tokens) {
    for (KvPage page : beginning.pages().subList(0, KvLayer.pages(tokens))) {
      pages.add(page.share());
      list(pages.size() - 1);
    }
    if (tokens > 0) {
      queue.upload(addresses, table);
    }
  }

  /** Gives back the pages behind the first {@code tokens} tokens. */
  void truncate(int tokens) {
    int kept = KvLayer.pages(tokens);
    if (pages.size() > kept && !queue.isHost()) {
      queue.synchronize(); // it may still be reading them
    }
    while (pages.size() > kept) {
      pages.remove(pages.size() - 1).release();
    }
  }

  /** Writes the rows of the first {@code tokens} tokens, page by page: see {@link KvPage}. */
  void save(StateWriter writer, int tokens) throws IOException {
    visit(tokens, false, writer::put);
  }

  /** Reads as many rows in place of what is there. */
  void load(StateReader reader, int tokens) throws IOException {
    truncate(0);
    reserve(0, tokens);
    visit(tokens, true, reader::get);
  }

  private interface RowsWork {
    void with(ByteBuffer rows) throws IOException;
  }

  private void visit(int tokens, boolean writes, RowsWork work) throws IOException {
    int matrices = 2 * layers * pool.config().kvHeads();
    long rowBytes = pool.dtype().bytes(pool.config().headDim());
    for (int first = 0; first < tokens; first += PAGE) {
      NativeMemory page = pages.get(first / PAGE).memory();
      int bytes = Math.toIntExact(Math.min(PAGE, tokens - first) * rowBytes);
      try (HostPage host = new HostPage(page)) {
        for (int matrix = 0; matrix < matrices; matrix++) {
          work.with(host.memory.buffer((long) matrix * PAGE * rowBytes, bytes));
        }
        if (writes) {
          host.store();
        }
      }
    }
  }

  /** A page where Java can touch it. */
  private final class HostPage implements AutoCloseable {
    private final NativeMemory page;
    private final NativeMemory memory;

    HostPage(NativeMemory page) {
      this.page = page;
      this.memory = queue.isHost() ? page : queue.allocateHost("a page of a session", page.bytes());
      if (memory != page) {
        queue.download(page, memory);
      }
    }

    void store() {
      if (memory != page) {
        queue.upload(memory, page);
        queue.synchronize();
      }
    }

    @Override
    public void close() {
      if (memory != page) {
        memory.close();
      }
    }
  }

  @Override
  public void close() {
    truncate(0);
    table.close();
  }
}
