package org.coreinfer.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.error.ModelFormatException;
import org.jspecify.annotations.Nullable;

/**
 * The first bytes of a file, and what they say about a file that isn't a model this library reads.
 */
final class FileHead {
  private static final int LENGTH = 48;
  private static final String GIT_LFS = "version https://git-lfs";
  private static final Set<String> BEFORE_GGUF = Set.of("lmgg", "fmgg", "tjgg", "algg");

  private FileHead() {}

  /** Up to 48 bytes, at least one. */
  static byte[] read(Path path) {
    requireRegularFile(path);
    byte[] head;
    try (InputStream in = Files.newInputStream(path)) {
      head = in.readNBytes(LENGTH);
    } catch (IOException e) {
      throw unreadable(path, e);
    }
    if (head.length == 0) {
      throw new ModelFormatException(path + ": the file is empty; get it again");
    }
    if (text(head).startsWith(GIT_LFS)) {
      throw new ModelFormatException(
          path + ": only the pointer to a Git LFS file; fetch the file itself with git lfs pull");
    }
    return head;
  }

  /** Why a file without GGUF's magic can't be opened, and what to do instead. */
  static ModelFormatException notGguf(Path path, byte[] head) {
    if (isSafetensors(path, head)) {
      return new ModelFormatException(
          path
              + ": a safetensors file without its settings; give the folder that holds it and"
              + " config.json");
    }
    if (isPickle(head)) {
      return new ModelFormatException(
          path
              + ": a PyTorch pickle, which can run code when loaded; give a GGUF file or a"
              + " safetensors folder");
    }
    if (head.length >= 4 && BEFORE_GGUF.contains(text(head).substring(0, 4))) {
      return new ModelFormatException(
          path + ": a llama.cpp file from before GGUF; convert the original model to GGUF");
    }
    return new ModelFormatException(
        path + ": not a model file; give a GGUF file or a Hugging Face folder with config.json");
  }

  static void requireRegularFile(Path path) {
    if (!Files.exists(path)) {
      throw new ModelFormatException(path + ": no such file");
    }
    if (!Files.isRegularFile(path)) {
      throw new ModelFormatException(path + ": not a regular file");
    }
  }

  /** The last part of a path. */
  static String name(Path path) {
    @Nullable Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? path.toString() : name.toString();
  }

  /** The last two parts of a path, such as {@code tiny/config.json}. */
  static String nameInFolder(Path file) {
    @Nullable Path folder = file.toAbsolutePath().normalize().getParent();
    return folder == null ? name(file) : name(folder) + "/" + name(file);
  }

  static CoreInferException unreadable(Path path, IOException cause) {
    return new CoreInferException(path + ": cannot be read: " + cause, cause);
  }

  private static boolean isSafetensors(Path path, byte[] head) {
    if (path.toString().endsWith(".safetensors")) {
      return true;
    }
    if (head.length < 9 || head[8] != '{') {
      return false;
    }
    long header = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return header > 0 && header <= SafetensorsFile.MAX_HEADER_BYTES;
  }

  /** A zip archive, as torch.save writes it, or a bare pickle. */
  private static boolean isPickle(byte[] head) {
    return text(head).startsWith("PK\3\4")
        || (head.length > 2 && head[0] == (byte) 0x80 && head[1] >= 2 && head[1] <= 5);
  }

  private static String text(byte[] head) {
    return new String(head, StandardCharsets.ISO_8859_1);
  }
}
