package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.coreinfer.error.CoreInferException;

/** Looks at pictures that commands drew. */
final class Pictures {
  private static final int WHITE = 0xFFFFFFFF;

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
    int[] pixels = image.getRGB(0, 0, width, height, null, 0, width);
    for (int y = 0; y < height; y++) {
      assertEquals(WHITE, pixels[y * width], file + ": the left edge at " + y);
      assertEquals(WHITE, pixels[(y + 1) * width - 1], file + ": the right edge at " + y);
    }
    long colors = Arrays.stream(pixels).distinct().count();
    assertTrue(colors > 20, file + " has " + colors + " colours");
    return image;
  }
}
