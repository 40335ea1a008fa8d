package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import javax.imageio.ImageIO;
import org.coreinfer.error.CoreInferException;

/** Looks at pictures that commands drew. */
final class Pictures {
  private Pictures() {}

  /** Skips the test where nothing can be drawn. */
  static void assumeFonts() {
    try {
      Canvas.requireFonts();
    } catch (CoreInferException e) {
      abort(e.getMessage());
    }
  }

  /** A PNG of plausible size that shows something in several colours, and nothing at its edges. */
  static BufferedImage read(File file) throws IOException {
    BufferedImage image = ImageIO.read(file);
    assertNotNull(image, file + " is no picture");
    int width = image.getWidth();
    int height = image.getHeight();
    assertTrue(width >= 900 && width <= 1400, file + " is " + width + " wide");
    assertTrue(height >= 200 && height <= 3000, file + " is " + height + " high");
    Set<Integer> colors = new HashSet<>();
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        colors.add(image.getRGB(x, y));
      }
      assertTrue(image.getRGB(0, y) == 0xFFFFFFFF, "the left edge is not white at " + y);
      assertTrue(image.getRGB(width - 1, y) == 0xFFFFFFFF, "the right edge is not white at " + y);
    }
    assertTrue(colors.size() > 20, file + " has " + colors.size() + " colours");
    return image;
  }
}
