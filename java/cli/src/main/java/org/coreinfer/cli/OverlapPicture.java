package org.coreinfer.cli;

import java.awt.Color;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.coreinfer.evaluation.TopicOverlap;

/** Topics against topics: what their documents have in common, as a coloured table. */
final class OverlapPicture {
  private static final int MOST_CELL = 110;
  private static final int ROOM = 560;
  private static final int LEFT = 230;
  private static final int TOP = 40;

  private OverlapPicture() {}

  static BufferedImage of(NeuronStudy study, TopicOverlap overlap) {
    List<String> names = study.topics().stream().map(NeuronStudy.Topic::name).toList();
    int count = names.size();
    int cell = Math.max(18, Math.min(MOST_CELL, ROOM / count));
    int height = TOP + count * cell + 110;
    BufferedImage image = Canvas.blank(Math.max(Canvas.WIDTH, LEFT + count * cell + 200), height);
    Graphics2D pen = Canvas.pen(image);
    double[] all =
        Arrays.stream(overlap.means())
            .flatMapToDouble(Arrays::stream)
            .filter(mean -> !Double.isNaN(mean))
            .toArray();
    ColorScale scale =
        new ColorScale(Arrays.stream(all).min().orElse(0), Arrays.stream(all).max().orElse(1));
    for (int row = 0; row < count; row++) {
      label(pen, names.get(row), row, cell);
      for (int column = 0; column < count; column++) {
        cell(pen, overlap.means()[row][column], scale, row, column, cell);
      }
    }
    columns(pen, names, cell);
    scale.draw(pen, LEFT + count * cell + 40, TOP, count * cell, value -> percent(value));
    pen.dispose();
    String sentence =
        String.format(
            Locale.ROOT,
            "Documents of one topic share %s, of different topics %s; by chance it would be %s (keep). For"
                + " %s of the documents the most similar other one is of their topic; by chance, for %s.",
            percent(overlap.within()),
            percent(overlap.between()),
            percent(overlap.chance()),
            percent(overlap.nearest()),
            percent(overlap.nearestByChance()));
    return Canvas.titled(
        "Core neurons that two documents share: " + study.label(), sentence, image);
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "-" : String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  private static void cell(
      Graphics2D pen, double mean, ColorScale scale, int row, int column, int size) {
    int x = LEFT + column * size;
    int y = TOP + row * size;
    boolean isKnown = !Double.isNaN(mean);
    pen.setColor(isKnown ? scale.color(mean) : Color.WHITE);
    pen.fillRect(x, y, size - 2, size - 2);
    if (size >= 36) {
      pen.setFont(Canvas.font(Math.min(16, size / 3)));
      String text = isKnown ? String.format(Locale.ROOT, "%.0f", 100 * mean) : "-";
      pen.setColor(isKnown && scale.isDark(mean) ? Color.WHITE : Canvas.INK);
      FontMetrics metrics = pen.getFontMetrics();
      pen.drawString(
          text,
          x + (size - 2 - metrics.stringWidth(text)) / 2,
          y + (size - 2 + metrics.getAscent()) / 2 - 2);
    }
  }

  private static void label(Graphics2D pen, String name, int row, int cell) {
    pen.setColor(Canvas.INK);
    pen.setFont(Canvas.font(15));
    FontMetrics metrics = pen.getFontMetrics();
    String shown = Canvas.shortened(metrics, name, LEFT - 40);
    pen.drawString(
        shown,
        LEFT - 12 - metrics.stringWidth(shown),
        TOP + row * cell + (cell + metrics.getAscent()) / 2 - 2);
  }

  /** Names below the columns, slanted so that they don't touch. */
  private static void columns(Graphics2D pen, List<String> names, int cell) {
    pen.setColor(Canvas.INK);
    pen.setFont(Canvas.font(15));
    FontMetrics metrics = pen.getFontMetrics();
    for (int column = 0; column < names.size(); column++) {
      String shown = Canvas.shortened(metrics, names.get(column), 150);
      Graphics2D slanted = (Graphics2D) pen.create();
      slanted.translate(LEFT + column * cell + cell / 2, TOP + names.size() * cell + 16);
      slanted.rotate(-Math.PI / 6);
      slanted.drawString(shown, -metrics.stringWidth(shown), 0);
      slanted.dispose();
    }
  }
}
