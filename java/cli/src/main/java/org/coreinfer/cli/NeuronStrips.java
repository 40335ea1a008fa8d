package org.coreinfer.cli;

import java.awt.Color;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.coreinfer.evaluation.NeuronFrequency;
import org.coreinfer.evaluation.NeuronFrequency.Kind;

/**
 * Each layer's neurons side by side, topic below topic: the darker, the more of the topic's
 * documents a neuron is core in. Neurons stand in the order of {@link NeuronFrequency#sorted}.
 */
final class NeuronStrips {
  private static final int MOST_LAYERS = 6;
  private static final int LEFT = 150;
  private static final int RIGHT = 90;
  private static final int HEAD = 26;
  private static final int GAP = 18;

  private final NeuronStudy study;
  private final List<NeuronFrequency> frequencies;
  private final ColorScale scale = new ColorScale(0, 1);
  private final int row;

  NeuronStrips(NeuronStudy study) {
    this.study = study;
    List<NeuronFrequency> all = study.frequencies();
    int shown = Math.min(MOST_LAYERS, all.size());
    this.frequencies =
        IntStream.range(0, shown)
            .mapToObj(i -> all.get(shown == 1 ? 0 : i * (all.size() - 1) / (shown - 1)))
            .toList();
    this.row = Math.max(8, Math.min(40, 96 / study.topics().size()));
  }

  BufferedImage draw() {
    int panel = HEAD + row * study.topics().size() + GAP;
    BufferedImage image = Canvas.blank(Canvas.WIDTH, frequencies.size() * panel + 12);
    Graphics2D pen = Canvas.pen(image);
    for (int i = 0; i < frequencies.size(); i++) {
      panel(pen, image, frequencies.get(i), i * panel);
    }
    int height = Math.min(200, row * study.topics().size());
    scale.draw(
        pen,
        Canvas.WIDTH - RIGHT + 16,
        HEAD,
        height,
        share -> String.format(Locale.ROOT, "%.0f %%", 100 * share));
    pen.dispose();
    return Canvas.titled(
        "Which neurons are core where: " + study.label(),
        "Each column is a neuron; the darker, the more documents of a topic choose it. Lines part"
            + (study.topics().size() == 1
                ? " neurons that are core always, now and then, and never."
                : " neurons that are core in every topic, mostly in one, now and then, and never.")
            + " Choices by chance would make all columns equally dark.",
        image);
  }

  private void panel(Graphics2D pen, BufferedImage image, NeuronFrequency frequency, int top) {
    pen.setColor(Canvas.INK);
    pen.setFont(Canvas.bold(14));
    String head = "layer " + frequency.layer();
    pen.drawString(head, LEFT, top + 18);
    int after = LEFT + pen.getFontMetrics().stringWidth(head) + 14;
    pen.setFont(Canvas.font(14));
    pen.drawString(kinds(frequency), after, top + 18);
    int[] sorted = frequency.sorted();
    int y = top + HEAD;
    for (int topic = 0; topic < frequency.topics(); topic++) {
      name(pen, study.topics().get(topic).name(), y);
      strip(image, frequency, sorted, topic, y);
      y += row;
    }
    borders(pen, frequency, top + HEAD);
  }

  private static String kinds(NeuronFrequency frequency) {
    String always = "always " + NeuronsText.percent(frequency, Kind.ALWAYS);
    String mixed = ", now and then " + NeuronsText.percent(frequency, Kind.MIXED);
    String never = ", never " + NeuronsText.percent(frequency, Kind.NEVER);
    return frequency.topics() == 1
        ? always + mixed + never
        : always
            + ", mostly one topic "
            + NeuronsText.percent(frequency, Kind.SPECIFIC)
            + mixed
            + never;
  }

  private void name(Graphics2D pen, String name, int y) {
    pen.setFont(Canvas.font(Math.max(9, Math.min(14, row + 1))));
    FontMetrics metrics = pen.getFontMetrics();
    String shown = Canvas.shortened(metrics, name, LEFT - 30);
    pen.setColor(Canvas.INK);
    pen.drawString(
        shown, LEFT - 8 - metrics.stringWidth(shown), y + (row + metrics.getAscent()) / 2 - 1);
  }

  private void strip(
      BufferedImage image, NeuronFrequency frequency, int[] sorted, int topic, int y) {
    for (int x = 0; x < width(); x++) {
      int first = (int) ((long) x * sorted.length / width());
      int end = Math.max(first + 1, (int) ((x + 1L) * sorted.length / width()));
      double mean =
          IntStream.range(first, end)
              .mapToDouble(i -> frequency.share(topic, sorted[i]))
              .average()
              .orElse(0);
      int color = scale.color(mean).getRGB();
      for (int i = 0; i < row - 1; i++) {
        image.setRGB(LEFT + x, y + i, color);
      }
    }
  }

  private void borders(Graphics2D pen, NeuronFrequency frequency, int top) {
    int height = row * frequency.topics();
    double before = 0;
    for (Kind kind : Kind.values()) {
      before += frequency.count(kind);
      int x = LEFT + (int) (before * width() / frequency.neurons());
      pen.setColor(Canvas.color(1));
      if (x > LEFT && x < LEFT + width()) {
        pen.fillRect(x - 1, top - 4, 2, height + 7);
      }
    }
    pen.setColor(new Color(0xBB, 0xBB, 0xBB));
    pen.drawRect(LEFT - 1, top - 1, width() + 1, height);
  }

  private static int width() {
    return Canvas.WIDTH - LEFT - RIGHT;
  }
}
