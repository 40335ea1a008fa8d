package org.coreinfer.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Which files of a repository make up a model. */
final class FileChoice {
  /** Of several quantizations the first that is there. */
  private static final List<String> PREFERRED =
      List.of("Q4_K_M", "Q5_K_M", "Q4_0", "Q8_0", "Q6_K", "F16", "BF16");

  private static final Pattern COMPANION =
      Pattern.compile(
          "config\\.json|generation_config\\.json|tokenizer\\.json|tokenizer_config\\.json"
              + "|special_tokens_map\\.json|added_tokens\\.json|vocab\\.json|merges\\.txt"
              + "|tokenizer\\.model|chat_template\\.(jinja|json)|model\\.safetensors\\.index\\.json"
              + "|LICENSE(\\.txt|\\.md)?");
  private static final Pattern WEIGHTS = Pattern.compile("model(-\\d{5}-of-\\d{5})?\\.safetensors");
  private static final Pattern SPLIT = Pattern.compile("-\\d{5}-of-\\d{5}\\.gguf$");
  private static final int MOST_NAMED = 12;

  private FileChoice() {}

  /**
   * The files to download.
   *
   * @param reference with the user's own choice
   * @throws HubException if there are none, or more than one model
   */
  static List<RemoteFile> of(ModelReference reference, List<RemoteFile> files) {
    List<RemoteFile> models =
        files.stream().filter(file -> isGguf(file) && !isProjector(file)).toList();
    String selector = reference.selector();
    if (selector != null) {
      return List.of(whole(reference, selected(reference, selector, models)));
    }
    List<RemoteFile> folder = folder(files);
    if (!folder.isEmpty()) {
      return folder;
    }
    if (models.isEmpty()) {
      throw new HubException(
          reference.repository()
              + " holds no model that can be read: neither a .gguf file nor config.json with"
              + " model.safetensors");
    }
    return List.of(whole(reference, models.size() == 1 ? models.get(0) : usual(reference, models)));
  }

  private static boolean isGguf(RemoteFile file) {
    return file.name().toLowerCase(Locale.ROOT).endsWith(".gguf");
  }

  /** Files for pictures, which lie beside the model. */
  private static boolean isProjector(RemoteFile file) {
    return file.name().toLowerCase(Locale.ROOT).matches("(.*/)?mmproj[^/]*");
  }

  private static RemoteFile selected(
      ModelReference reference, String selector, List<RemoteFile> models) {
    List<RemoteFile> same =
        models.stream()
            .filter(file -> file.name().equals(selector) || isOf(file, selector))
            .toList();
    if (same.size() == 1) {
      return same.get(0);
    }
    throw new HubException(
        "%s has %s for \"%s\"; there are %s"
            .formatted(
                reference.repository(),
                same.isEmpty() ? "no GGUF file" : same.size() + " GGUF files",
                selector,
                named(same.isEmpty() ? models : same)));
  }

  /** Whether a file's name has the quantization as a word. */
  static boolean isOf(RemoteFile file, String quantization) {
    String words =
        "(^|.*[-._/])" + Pattern.quote(quantization.toLowerCase(Locale.ROOT)) + "\\.gguf";
    return file.name().toLowerCase(Locale.ROOT).matches(words);
  }

  private static RemoteFile usual(ModelReference reference, List<RemoteFile> models) {
    for (String quantization : PREFERRED) {
      List<RemoteFile> same = models.stream().filter(file -> isOf(file, quantization)).toList();
      if (same.size() == 1) {
        return same.get(0);
      }
    }
    throw new HubException(
        "%s holds %d GGUF files: choose one, as in %s:NAME, of %s"
            .formatted(
                reference.repository(), models.size(), reference.repository(), named(models)));
  }

  private static RemoteFile whole(ModelReference reference, RemoteFile file) {
    if (SPLIT.matcher(file.name()).find()) {
      throw new HubException(
          "%s: %s is a part of a model that was split into several files, which can't be read: choose"
                  .formatted(reference.repository(), file.name())
              + " a smaller quantization, or join it with llama-gguf-split --merge");
    }
    return file;
  }

  /** Configuration, tokenizer and weights; none if the repository is no such folder. */
  private static List<RemoteFile> folder(List<RemoteFile> files) {
    List<RemoteFile> chosen = new ArrayList<>();
    boolean hasConfig = false;
    boolean hasWeights = false;
    for (RemoteFile file : files) {
      boolean isWeights = WEIGHTS.matcher(file.name()).matches();
      if (isWeights || COMPANION.matcher(file.name()).matches()) {
        chosen.add(file);
      }
      hasWeights |= isWeights;
      hasConfig |= file.name().equals("config.json");
    }
    return hasConfig && hasWeights ? chosen : List.of();
  }

  private static String named(List<RemoteFile> files) {
    if (files.isEmpty()) {
      return "none";
    }
    List<String> names = files.stream().limit(MOST_NAMED).map(RemoteFile::name).toList();
    String more = files.size() > MOST_NAMED ? " and " + (files.size() - MOST_NAMED) + " more" : "";
    return String.join(", ", names) + more;
  }
}
