package org.coreinfer.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.hub.Hub;
import org.coreinfer.hub.HubException;
import org.coreinfer.hub.HubSettings;
import org.coreinfer.hub.ModelReference;
import org.coreinfer.hub.ModelStore;
import org.coreinfer.hub.ModelStore.StoredModel;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The path of a model that is given by its path, or by the name under which it was pulled. */
public final class ModelPath implements ITypeConverter<Path> {
  static final String HELP =
      "GGUF file, Hugging Face folder, or the name of a pulled model (default: the embedded model).";

  /** The path that was given, where no pulled model has its name. */
  @Override
  public Path convert(String value) {
    try {
      Path path = Path.of(value);
      Optional<ModelReference> name = ModelReference.find(value);
      return name.isEmpty() || Files.exists(path)
          ? path
          : find(name.get(), new Hub(HubSettings.ofEnvironment()).store()).orElse(path);
    } catch (InvalidPathException e) {
      throw new TypeConversionException("'" + value + "' can't be a file's name: " + e.getReason());
    } catch (HubException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }

  static Optional<Path> find(ModelReference name, ModelStore store) {
    return store.find(name).map(StoredModel::path);
  }

  /**
   * Says how a model is got that is not here.
   *
   * @throws CoreInferException if the path is none but may be the name of a model
   */
  static void requireHere(Path path) {
    String name = path.toString();
    if (!Files.exists(path) && ModelReference.find(name).isPresent()) {
      throw new CoreInferException(
          name
              + ": no such file, and no model of that name was pulled; coreinfer pull "
              + name
              + " downloads it");
    }
  }
}
