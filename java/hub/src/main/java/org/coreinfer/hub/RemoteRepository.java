package org.coreinfer.hub;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a repository holds at one commit.
 *
 * @param commit its hash, or the name that was asked for where the server does not say
 * @param files those with sound names
 */
record RemoteRepository(String commit, List<RemoteFile> files) {
  private static final Gson STRICT = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  /**
   * Reads the server's answer.
   *
   * @param revision that was asked for
   * @throws JsonParseException if it is broken
   */
  static RemoteRepository parse(String json, String revision) {
    JsonObject root = STRICT.fromJson(json, JsonObject.class);
    if (root == null || !root.has("siblings") || !root.get("siblings").isJsonArray()) {
      throw new JsonParseException("it has no list of files");
    }
    List<RemoteFile> files = new ArrayList<>();
    for (JsonElement sibling : root.getAsJsonArray("siblings")) {
      if (sibling instanceof JsonObject file) {
        String name = text(file, "rfilename");
        if (name != null && RemoteFile.isSoundName(name)) {
          files.add(file(name, file));
        }
      }
    }
    String commit = text(root, "sha");
    boolean isHash = commit != null && commit.matches("[0-9a-f]{7,64}");
    return new RemoteRepository(isHash ? String.valueOf(commit) : revision, List.copyOf(files));
  }

  private static RemoteFile file(String name, JsonObject file) {
    JsonObject lfs = file.get("lfs") instanceof JsonObject object ? object : new JsonObject();
    long size = size(lfs);
    String sha256 = text(lfs, "sha256");
    if (sha256 == null) {
      String oid = text(lfs, "oid");
      sha256 = oid == null ? null : oid.replaceFirst("^sha256:", "");
    }
    boolean isHash = sha256 != null && sha256.matches("[0-9a-fA-F]{64}");
    return new RemoteFile(
        name,
        size >= 0 ? size : size(file),
        isHash ? String.valueOf(sha256).toLowerCase(Locale.ROOT) : null);
  }

  private static long size(JsonObject object) {
    JsonElement size = object.get("size");
    boolean isNumber =
        size != null && size.isJsonPrimitive() && size.getAsString().matches("[0-9]{1,18}");
    return isNumber ? size.getAsLong() : -1;
  }

  private static @Nullable String text(JsonObject object, String key) {
    JsonElement value = object.get(key);
    return value != null && value.isJsonPrimitive() ? value.getAsString() : null;
  }
}
