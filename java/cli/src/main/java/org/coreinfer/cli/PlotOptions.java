package org.coreinfer.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import javax.imageio.ImageIO;
import org.coreinfer.error.CoreInferException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where pictures go. */
final class PlotOptions {
  private static final String PNG = ".png";

  @Spec(Spec.Target.MIXEE)
  @SuppressWarnings("NullAway.Init")
  private CommandSpec command;

  @Option(
      names = "--plot",
      paramLabel = "PATH",
      description =
          "Draw pictures, too: below each other into a file that ends with .png, or one by one into"
              + " a folder.")
  private @Nullable Path target;

  boolean isWanted() {
    return target != null;
  }

  /** Finds out early whether pictures can be drawn and written, if any are wanted. */
  void check() {
    Path to = target;
    if (to == null) {
      return;
    }
    Path folder = isFile(to) ? to.toAbsolutePath().getParent() : to;
    if (isFile(to) && (folder == null || !Files.isDirectory(folder))) {
      throw Usage.error(command, "--plot: there is no folder " + folder);
    }
    if (isFile(to) && Files.isDirectory(to)) {
      throw Usage.error(command, "--plot: " + to + " is a folder");
    }
    if (!isFile(to) && Files.exists(to) && !Files.isDirectory(to)) {
      throw Usage.error(
          command, "--plot: " + to + " is no folder, and no file that ends with " + PNG);
    }
    Canvas.requireFonts();
  }

  private static boolean isFile(Path path) {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(PNG);
  }

  /**
   * Draws and writes the pictures, if any are wanted.
   *
   * @param pictures by name, in the order to look at them
   */
  void draw(Streams streams, Supplier<Map<String, BufferedImage>> pictures) {
    Path to = target;
    if (to == null) {
      return;
    }
    Map<String, BufferedImage> drawn = pictures.get();
    if (isFile(to)) {
      write(Canvas.stacked(List.copyOf(drawn.values())), to);
      streams.note("coreinfer: drew " + to);
      return;
    }
    try {
      Files.createDirectories(to);
    } catch (IOException e) {
      throw new CoreInferException(to + ": cannot be created: " + e.getMessage(), e);
    }
    drawn.forEach((name, picture) -> write(picture, to.resolve(name + PNG)));
    streams.note("coreinfer: drew " + String.join(", ", drawn.keySet()) + " into " + to);
  }

  private static void write(BufferedImage picture, Path file) {
    try (OutputStream out = Files.newOutputStream(file)) {
      if (!ImageIO.write(picture, "png", out)) {
        throw new CoreInferException(file + ": this Java writes no PNG");
      }
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be written: " + e.getMessage(), e);
    }
  }
}
