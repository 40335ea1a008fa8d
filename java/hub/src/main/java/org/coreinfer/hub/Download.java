package org.coreinfer.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Downloads one file. What has come lies beside it under the name with {@code .part}, with the
 * server's ETag in {@code .etag}, so that a later attempt goes on from there as long as the file is
 * the same; only a whole file with the right checksum gets the name itself.
 */
final class Download implements Retries.Attempt<Boolean> {
  private static final int BUFFER = 1 << 18;

  private final HubClient client;
  private final ModelReference reference;
  private final String commit;
  private final RemoteFile file;
  private final Path target;
  private final Path part;
  private final Path etag;
  private final LongConsumer onBytes;
  private boolean isProgressing;
  private boolean wasWrong; // the checksum, once

  /**
   * @param target where the file is to lie
   * @param onBytes hears how many of its bytes are here
   */
  Download(
      HubClient client,
      ModelReference reference,
      String commit,
      RemoteFile file,
      Path target,
      LongConsumer onBytes) {
    this.client = client;
    this.reference = reference;
    this.commit = commit;
    this.file = file;
    this.target = target;
    this.part = beside(target, ".part");
    this.etag = beside(target, ".etag");
    this.onBytes = onBytes;
  }

  static Path beside(Path target, String ending) {
    return target.resolveSibling(target.getFileName() + ending);
  }

  /** The bytes of a file that came in earlier attempts. */
  static long partial(Path target) throws IOException {
    Path part = beside(target, ".part");
    return Files.exists(part) ? Files.size(part) : 0;
  }

  @Override
  public boolean isProgressing() {
    return isProgressing;
  }

  @Override
  public Boolean run() throws IOException, InterruptedException {
    isProgressing = false;
    Files.createDirectories(target.getParent());
    long have = partial(target);
    if (file.size() < 0 || have != file.size()) {
      fetch(have);
    }
    finish();
    return true;
  }

  private void fetch(long have) throws IOException, InterruptedException {
    Map<String, String> headers = new HashMap<>();
    if (have > 0 && Files.exists(etag)) {
      headers.put("Range", "bytes=" + have + "-");
      headers.put("If-Range", Files.readString(etag));
    }
    HttpResponse<InputStream> response = client.open(reference, commit, file.name(), headers);
    try (StallGuard body = new StallGuard(response.body(), client.stall())) {
      if (response.statusCode() == 416) {
        discard();
        throw new IOException("the server has no such part of it");
      }
      boolean isRest = response.statusCode() == 206;
      if (isRest && !isRange(response, have)) {
        discard();
        throw new IOException("the server sent another part of it than was asked for");
      }
      long start = isRest ? have : 0;
      requireLength(response, start);
      if (!isRest) {
        discard();
        remember(response);
      }
      copy(body, start);
    }
  }

  private static boolean isRange(HttpResponse<?> response, long start) {
    String range = response.headers().firstValue("Content-Range").orElse("");
    return range.matches("bytes " + start + "-\\d+/(\\d+|\\*)");
  }

  /** Only an ETag that names these very bytes lets an attempt go on from another. */
  private void remember(HttpResponse<?> response) throws IOException {
    String value = response.headers().firstValue("ETag").orElse("");
    if (value.startsWith("\"")) {
      Files.writeString(etag, value);
    }
  }

  private void requireLength(HttpResponse<?> response, long start) throws IOException {
    long length = response.headers().firstValueAsLong("Content-Length").orElse(-1);
    if (length >= 0 && file.size() >= 0 && start + length != file.size()) {
      throw new IOException(
          "the server has %d bytes of it where its list says %d"
              .formatted(start + length, file.size()));
    }
  }

  private void copy(InputStream body, long start) throws IOException {
    byte[] buffer = new byte[BUFFER];
    long have = start;
    try (OutputStream out =
        Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
        if (file.size() >= 0 && have + count > file.size()) {
          throw new IOException("the server sends more than the file's " + file.size() + " bytes");
        }
        write(out, buffer, count);
        have += count;
        isProgressing = true;
        onBytes.accept(have);
      }
    }
    if (file.size() >= 0 && have < file.size()) {
      throw new IOException(
          "the connection ended after %d of %d bytes".formatted(have, file.size()));
    }
  }

  private void write(OutputStream out, byte[] buffer, int count) {
    try {
      out.write(buffer, 0, count);
    } catch (IOException e) {
      String reason =
          e instanceof FileSystemException fs && fs.getReason() != null
              ? fs.getReason()
              : e.getMessage();
      throw new HubException(
          "%s cannot be written: %s; what has come is kept, and the next pull goes on from there"
              .formatted(part, reason),
          e);
    }
  }

  private void discard() throws IOException {
    Files.deleteIfExists(part);
    Files.deleteIfExists(etag);
  }

  private void finish() throws IOException {
    if (file.sha256() != null && !file.sha256().equals(sha256(part))) {
      discard();
      isProgressing = false;
      if (wasWrong) {
        throw new HubException(
            "%s: its SHA-256 is not the one that the server names, twice: the file is damaged there or"
                    .formatted(file.name())
                + " on the way");
      }
      wasWrong = true;
      throw new IOException("its SHA-256 is not the one that the server names");
    }
    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Files.deleteIfExists(etag);
  }

  private static String sha256(Path path) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(path)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
