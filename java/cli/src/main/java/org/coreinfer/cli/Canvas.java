package org.coreinfer.cli;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.error.CoreInferException;

/** What all pictures have in common: size, fonts, colours, a title and a sentence below it. */
public final class Canvas {
  public static final int WIDTH = 1000;
  static final Color INK = new Color(0x22, 0x22, 0x22);
  static final Color PALE_INK = new Color(0x66, 0x66, 0x66);

  /** Okabe and Ito's colours, which the colour-blind can tell apart, but yellow. */
  static final List<Color> COLORS =
      List.of(
          new Color(0x00, 0x72, 0xB2),
          new Color(0xD5, 0x5E, 0x00),
          new Color(0x00, 0x9E, 0x73),
          new Color(0xCC, 0x79, 0xA7),
          new Color(0xE6, 0x9F, 0x00),
          new Color(0x56, 0xB4, 0xE9),
          new Color(0x00, 0x00, 0x00));

  private static final int MARGIN = 24;
  private static final int HEAD = 50; // pixels of the title
  private static final int LINE = 22;

  static {
    System.setProperty("java.awt.headless", "true");
  }

  private Canvas() {}

  public static Font font(int size) {
    return new Font(Font.SANS_SERIF, Font.PLAIN, size);
  }

  static Font bold(int size) {
    return new Font(Font.SANS_SERIF, Font.BOLD, size);
  }

  public static Color color(int index) {
    return COLORS.get(index % COLORS.size());
  }

  /**
   * Checks that letters can be drawn.
   *
   * @throws CoreInferException if this machine has no font
   */
  public static void requireFonts() {
    try {
      Graphics2D pen = pen(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB));
      pen.setFont(font(12));
      pen.drawString("x", 0, 8);
      pen.dispose();
    } catch (RuntimeException | LinkageError | InternalError e) {
      throw new CoreInferException(
          "pictures need a font, and Java finds none: apt-get install -y fontconfig"
              + " fonts-dejavu-core",
          e);
    }
  }

  /** A white picture. */
  static BufferedImage blank(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, width, height);
    pen.dispose();
    return image;
  }

  /** Draws smoothly; to be disposed of. */
  static Graphics2D pen(BufferedImage image) {
    Graphics2D pen = image.createGraphics();
    pen.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    pen.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    pen.setColor(INK);
    return pen;
  }

  /** The picture below a title and sentences that say what it shows, on as many lines as needed. */
  public static BufferedImage titled(String title, String sentences, BufferedImage picture) {
    BufferedImage measure = blank(1, 1);
    Graphics2D ruler = pen(measure);
    int room = picture.getWidth() - 2 * MARGIN;
    String head = shortened(ruler.getFontMetrics(bold(20)), title, room);
    List<String> lines = wrapped(ruler.getFontMetrics(font(15)), sentences, room);
    ruler.dispose();
    int top = HEAD + lines.size() * LINE;
    BufferedImage all = blank(picture.getWidth(), picture.getHeight() + top);
    Graphics2D pen = pen(all);
    pen.setFont(bold(20));
    pen.drawString(head, MARGIN, 34);
    pen.setColor(PALE_INK);
    pen.setFont(font(15));
    for (int i = 0; i < lines.size(); i++) {
      pen.drawString(lines.get(i), MARGIN, HEAD + LINE * i + 10);
    }
    pen.drawImage(picture, 0, top, null);
    pen.dispose();
    return all;
  }

  private static List<String> wrapped(FontMetrics metrics, String text, int room) {
    List<String> lines = new ArrayList<>();
    String line = "";
    for (String word : text.split(" ", -1)) {
      String longer = line.isEmpty() ? word : line + " " + word;
      if (metrics.stringWidth(longer) > room && !line.isEmpty()) {
        lines.add(line);
        line = word;
      } else {
        line = longer;
      }
    }
    lines.add(line);
    return lines;
  }

  /** The text, or its beginning if it is wider than {@code room} pixels. */
  static String shortened(FontMetrics metrics, String text, int room) {
    String shown = text;
    while (metrics.stringWidth(shown) > room && shown.length() > 2) {
      shown = shown.substring(0, shown.length() - 2) + "\u2026";
    }
    return shown;
  }

  /** All pictures below each other. */
  public static BufferedImage stacked(List<BufferedImage> pictures) {
    int width = pictures.stream().mapToInt(BufferedImage::getWidth).max().orElse(1);
    int height = pictures.stream().mapToInt(BufferedImage::getHeight).sum();
    BufferedImage all = blank(width, Math.max(1, height));
    Graphics2D pen = pen(all);
    int y = 0;
    for (BufferedImage picture : pictures) {
      pen.drawImage(picture, 0, y, null);
      y += picture.getHeight();
    }
    pen.dispose();
    return all;
  }
}
