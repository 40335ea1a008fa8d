package org.coreinfer.tensor;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of native memory and, unless it is a slice, its owner: closing it, once or often, from
 * any thread, gives the memory back. Slices end with their owner. Memory that was never closed is
 * given back, with a warning, when it becomes unreachable. Java can touch host memory only; what a
 * device holds is copied by its backend.
 */
public final class NativeMemory implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(NativeMemory.class.getName());
  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong OWNED = new AtomicLong();

  private final String name;
  private final long address;
  private final long bytes;
  private final @Nullable String device; // null for the host
  private final Owner owner;
  private final @Nullable NativeMemory parent; // keeps the owner of a slice reachable

  /**
   * Takes over host memory at {@code address}.
   *
   * @param name what it holds, for messages
   * @param release gives the memory back; must not refer to this object
   */
  public NativeMemory(String name, long address, long bytes, Runnable release) {
    this(name, address, bytes, null, release);
  }

  /**
   * Takes over memory at {@code address} of a device.
   *
   * @param device the device's name; null for host memory
   */
  public NativeMemory(
      String name, long address, long bytes, @Nullable String device, Runnable release) {
    this(name, address, bytes, device, new Owner(name, bytes, release), null);
    owner.cleanable = CLEANER.register(this, owner::releaseForgotten);
  }

  private NativeMemory(
      String name,
      long address,
      long bytes,
      @Nullable String device,
      Owner owner,
      @Nullable NativeMemory parent) {
    if (address == 0 || bytes < 0) {
      throw new IllegalArgumentException(name + ": address=" + address + " bytes=" + bytes);
    }
    this.name = name;
    this.address = address;
    this.bytes = bytes;
    this.device = device;
    this.owner = owner;
    this.parent = parent;
  }

  /** Bytes of all memory in the process, mapped files included, that was not given back yet. */
  public static long ownedBytes() {
    return OWNED.get();
  }

  public String name() {
    return name;
  }

  public long bytes() {
    return bytes;
  }

  /** Whether Java can touch it. */
  public boolean isHost() {
    return device == null;
  }

  /**
   * Where the memory starts.
   *
   * @throws IllegalStateException if it was closed
   */
  public long address() {
    if (owner.isReleased()) {
      throw new IllegalStateException(name + " is closed");
    }
    return address;
  }

  /** Part of this memory, valid until its owner is closed. */
  public NativeMemory slice(long offset, long length) {
    Objects.checkFromIndexSize(offset, length, bytes);
    return new NativeMemory(name, address + offset, length, device, owner, this);
  }

  /**
   * Part of this memory as a little-endian buffer, which must not be used after the owner is
   * closed.
   *
   * @throws IllegalStateException if the memory is a device's
   */
  public ByteBuffer buffer(long offset, int length) {
    if (device != null) {
      throw new IllegalStateException(
          name
              + " is in the memory of "
              + device
              + ": copy it with its backend's upload, download");
    }
    Objects.checkFromIndexSize(offset, (long) length, bytes);
    if (length == 0) {
      return ByteBuffer.allocate(0);
    }
    return new Window(address() + offset, length).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** All of this memory as floats; less than 2 GiB. */
  public FloatBuffer floats() {
    return buffer(0, Math.toIntExact(bytes)).asFloatBuffer();
  }

  /** All of this memory as ints; less than 2 GiB. */
  public IntBuffer ints() {
    return buffer(0, Math.toIntExact(bytes)).asIntBuffer();
  }

  public boolean isClosed() {
    return owner.isReleased();
  }

  /** Gives the memory back. A slice can't: that is its owner's right. */
  @Override
  public void close() {
    if (parent != null) {
      throw new IllegalStateException("a slice of " + name + " cannot be closed");
    }
    owner.release();
  }

  @Override
  public String toString() {
    return "NativeMemory[name=" + name + ", bytes=" + bytes + "]";
  }

  private static final class Owner {
    private final String name;
    private final long bytes;
    private final Runnable release;
    private final AtomicBoolean released = new AtomicBoolean();
    private Cleaner.@Nullable Cleanable cleanable;

    Owner(String name, long bytes, Runnable release) {
      this.name = name;
      this.bytes = bytes;
      this.release = release;
      OWNED.addAndGet(bytes);
    }

    boolean isReleased() {
      return released.get();
    }

    void release() {
      if (released.compareAndSet(false, true)) {
        OWNED.addAndGet(-bytes);
        release.run();
        if (cleanable != null) {
          cleanable.clean();
        }
      }
    }

    void releaseForgotten() {
      if (released.compareAndSet(false, true)) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "{0} ({1} bytes of native memory) was never closed; close it, or use"
                + " try-with-resources",
            name,
            Long.toString(bytes));
        OWNED.addAndGet(-bytes);
        release.run();
      }
    }
  }

  /** Lends JavaCPP's buffer view an address; owns nothing. */
  private static final class Window extends Pointer {
    Window(long address, long length) {
      this.address = address;
      this.limit = length;
      this.capacity = length;
    }

    /** Bytes per element; JavaCPP takes a subclass for a pointer to pointers otherwise. */
    @Override
    public int sizeof() {
      return 1;
    }
  }
}
