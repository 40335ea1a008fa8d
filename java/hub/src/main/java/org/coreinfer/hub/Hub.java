package org.coreinfer.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.hub.ModelStore.StoredModel;

/** Downloads models and finds them again. Safe for use by many threads and processes. */
public final class Hub {
  private static final long SPARE_BYTES = 64 << 20; // that a disk keeps free

  private final HubSettings settings;
  private final HubClient client;
  private final ModelStore store;

  public Hub(HubSettings settings) {
    this.settings = settings;
    this.client = new HubClient(settings);
    this.store = new ModelStore(settings.folder());
  }

  /** What is on this machine. */
  public ModelStore store() {
    return store;
  }

  /**
   * Downloads a model, or what is missing of it.
   *
   * @param revision a branch, tag or commit
   * @throws HubException if that is not possible; what has come is kept for the next time, unless
   *     its checksum is wrong
   */
  public StoredModel pull(ModelReference reference, String revision, PullListener listener) {
    try {
      return store.whileLocked(reference, () -> pullAlone(reference, revision, listener));
    } catch (IOException e) {
      throw new HubException(settings.folder() + " cannot be used: " + e.getMessage(), e);
    }
  }

  private StoredModel pullAlone(ModelReference reference, String revision, PullListener listener)
      throws IOException {
    Retries retries = new Retries(settings, listener::note);
    RemoteRepository remote =
        retries.run("asking for " + reference.repository(), () -> client.list(reference, revision));
    List<RemoteFile> chosen = FileChoice.of(reference, remote.files());
    List<RemoteFile> missing = new ArrayList<>();
    for (RemoteFile file : chosen) {
      if (!store.has(reference, file, remote.commit())) {
        missing.add(file);
      }
    }
    requireSpace(reference, missing);
    download(reference, remote.commit(), missing, retries, listener);
    boolean isFile = chosen.size() == 1 && chosen.get(0).name().endsWith(".gguf");
    ModelReference pulled =
        new ModelReference(
            reference.owner(), reference.name(), isFile ? chosen.get(0).name() : null);
    return store
        .find(pulled)
        .orElseThrow(() -> new HubException(pulled + " was removed meanwhile"));
  }

  private void download(
      ModelReference reference,
      String commit,
      List<RemoteFile> files,
      Retries retries,
      PullListener listener)
      throws IOException {
    long all = files.stream().mapToLong(file -> Math.max(0, file.size())).sum();
    listener.begins(files.size(), all);
    long before = 0;
    for (RemoteFile file : files) {
      long done = before;
      Path target = store.home(reference).resolve(file.name());
      retries.run(
          file.name(),
          new Download(
              client, reference, commit, file, target, bytes -> listener.progress(done + bytes)));
      store.add(reference, file, commit);
      before += Math.max(0, file.size());
      listener.progress(before);
    }
  }

  private void requireSpace(ModelReference reference, List<RemoteFile> files) throws IOException {
    Path home = store.home(reference);
    long needed = 0;
    for (RemoteFile file : files) {
      needed += Math.max(0, file.size() - Download.partial(home.resolve(file.name())));
    }
    long free = Files.getFileStore(home).getUsableSpace();
    if (needed > 0 && needed > free - SPARE_BYTES) {
      throw new HubException(
          "%s needs %.1f GB, but %s has only %.1f GB free: free some, or set HF_HOME to a larger disk"
              .formatted(reference, needed / 1e9, home, free / 1e9));
    }
  }
}
