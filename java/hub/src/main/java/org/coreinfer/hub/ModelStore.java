package org.coreinfer.hub;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder in which models are kept: {@code owner/name} holds a repository's files under their
 * own names, and {@code .pulled.json} what is known of those that are whole.
 */
public final class ModelStore {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
  private static final String RECORD = ".pulled.json";
  private static final String LOCK = ".lock";

  private final Path folder;

  /** Of a repository's files. */
  private static final class Pulled {
    private Map<String, Entry> files = new TreeMap<>();
  }

  private record Entry(long size, @Nullable String sha256, String commit) {}

  ModelStore(Path folder) {
    this.folder = folder;
  }

  /**
   * A model that is here.
   *
   * @param name what {@code run} and others take for it
   * @param path its GGUF file or its folder
   * @param bytes of its files
   */
  public record StoredModel(String name, Path path, long bytes) {}

  /** Everything that is here, by name. */
  public List<StoredModel> list() {
    List<StoredModel> models = new ArrayList<>();
    for (Path owner : children(folder)) {
      for (Path repository : children(owner)) {
        String name = owner.getFileName() + "/" + repository.getFileName();
        ModelReference.find(name).ifPresent(reference -> models.addAll(models(reference)));
      }
    }
    models.sort(Comparator.comparing(StoredModel::name));
    return models;
  }

  private static List<Path> children(Path parent) {
    if (!Files.isDirectory(parent)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.list(parent)) {
      return paths.filter(Files::isDirectory).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<StoredModel> models(ModelReference reference) {
    Path home = home(reference);
    Map<String, Entry> files = read(home).files;
    List<StoredModel> models = new ArrayList<>();
    long bytes = 0;
    boolean isFolder = false;
    for (Map.Entry<String, Entry> file : files.entrySet()) {
      Path path = home.resolve(file.getKey());
      if (!RemoteFile.isSoundName(file.getKey()) || !Files.exists(path)) {
        continue;
      }
      if (file.getKey().endsWith(".gguf")) {
        String name = reference.repository() + ":" + file.getKey();
        models.add(new StoredModel(name, path, file.getValue().size));
      } else {
        bytes += Math.max(0, file.getValue().size);
        isFolder |= file.getKey().equals("config.json");
      }
    }
    if (isFolder) {
      models.add(new StoredModel(reference.repository(), home, bytes));
    }
    return models;
  }

  /**
   * A model that is here.
   *
   * @return empty if it is not
   * @throws HubException if several are meant
   */
  public Optional<StoredModel> find(ModelReference reference) {
    String selector = reference.selector();
    String whole = reference.repository() + ":";
    List<StoredModel> all = models(reference);
    for (StoredModel model : all) {
      if (model.name().equals(reference.toString())) {
        return Optional.of(model);
      }
    }
    List<StoredModel> found =
        all.stream()
            .filter(
                model ->
                    selector == null
                        || (model.name().startsWith(whole)
                            && FileChoice.isOf(
                                new RemoteFile(model.name().substring(whole.length()), -1, null),
                                selector)))
            .toList();
    if (found.size() > 1) {
      throw new HubException(
          reference
              + " may be any of "
              + String.join(", ", found.stream().map(StoredModel::name).toList())
              + ": name one of them");
    }
    return found.stream().findFirst();
  }

  /**
   * Deletes a model, or all of a repository if there is no selector.
   *
   * @return how many bytes became free
   * @throws HubException if it is not here, or is being downloaded
   */
  public long remove(ModelReference reference) {
    List<StoredModel> models =
        reference.selector() == null
            ? models(reference)
            : find(reference).map(List::of).orElse(List.of());
    Path home = home(reference);
    if (models.isEmpty() && !(reference.selector() == null && Files.isDirectory(home))) {
      throw new HubException(reference + " is not here; coreinfer ls shows what is");
    }
    try {
      return whileLocked(reference, () -> remove(reference, home, models));
    } catch (IOException e) {
      throw new HubException(home + " cannot be removed: " + e.getMessage(), e);
    }
  }

  private static long remove(ModelReference reference, Path home, List<StoredModel> models)
      throws IOException {
    if (reference.selector() == null) {
      deleteTree(home);
      return models.stream().mapToLong(StoredModel::bytes).sum();
    }
    StoredModel model = models.get(0);
    Pulled pulled = read(home);
    pulled.files.remove(home.relativize(model.path()).toString().replace('\\', '/'));
    write(home, pulled);
    Files.deleteIfExists(model.path());
    return model.bytes();
  }

  private static void deleteTree(Path root) throws IOException {
    List<Path> paths;
    try (Stream<Path> all = Files.walk(root)) {
      paths = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : paths) {
      Files.delete(path);
    }
  }

  /** Where a repository's files lie. */
  Path home(ModelReference reference) {
    return folder.resolve(reference.owner()).resolve(reference.name());
  }

  /** Whether a file is here, whole and as the server has it. */
  boolean has(ModelReference reference, RemoteFile file, String commit) {
    Path home = home(reference);
    Entry entry = read(home).files.get(file.name());
    boolean isSame =
        entry != null
            && (file.sha256() != null
                ? file.sha256().equals(entry.sha256)
                : commit.equals(entry.commit) && entry.size == file.size());
    return isSame && Files.exists(home.resolve(file.name()));
  }

  /** Notes that a file is whole. */
  void add(ModelReference reference, RemoteFile file, String commit) throws IOException {
    Path home = home(reference);
    Pulled pulled = read(home);
    long size = Files.size(home.resolve(file.name()));
    pulled.files.put(file.name(), new Entry(size, file.sha256(), commit));
    write(home, pulled);
  }

  private static Pulled read(Path home) {
    Path record = home.resolve(RECORD);
    if (!Files.exists(record)) {
      return new Pulled();
    }
    try {
      Pulled pulled = GSON.fromJson(Files.readString(record), Pulled.class);
      return pulled == null || pulled.files == null ? new Pulled() : pulled;
    } catch (IOException | JsonParseException e) {
      throw new HubException(
          record + " is broken: delete it, and pull the model again: " + e.getMessage(), e);
    }
  }

  private static void write(Path home, Pulled pulled) throws IOException {
    Path fresh = home.resolve(RECORD + ".part");
    Files.writeString(fresh, GSON.toJson(pulled));
    Files.move(
        fresh,
        home.resolve(RECORD),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  /** Work on a repository's files. */
  interface Work<T> {
    T run() throws IOException;
  }

  /**
   * Works while nobody else does on the same repository, in this process or another.
   *
   * @throws HubException if somebody else does
   */
  <T> T whileLocked(ModelReference reference, Work<T> work) throws IOException {
    Path home = home(reference);
    Files.createDirectories(home);
    try (FileChannel channel =
        FileChannel.open(home.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      FileLock lock = tryLock(channel);
      if (lock == null) {
        throw new HubException(
            reference.repository() + " is being pulled or removed by somebody else; wait for that");
      }
      try {
        return work.run();
      } finally {
        lock.release();
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }
}
