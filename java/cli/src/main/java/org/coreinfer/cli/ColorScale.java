package org.coreinfer.cli;

import java.awt.Color;
import java.awt.Graphics2D;
import java.util.function.DoubleFunction;

/** White for {@code low} over blue to nearly black for {@code high}; values between are between. */
record ColorScale(double low, double high) {
  private static final int WIDTH = 18;
  private static final double[][] STOPS = {
    {0xFF, 0xFF, 0xFF},
    {0xC6, 0xDC, 0xEC},
    {0x56, 0xA0, 0xCF},
    {0x00, 0x5C, 0x98},
    {0x02, 0x2A, 0x4C}
  };

  Color color(double value) {
    double place = place(value) * (STOPS.length - 1);
    int below = Math.min((int) place, STOPS.length - 2);
    double part = place - below;
    int[] rgb = new int[3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (int) Math.round(STOPS[below][i] * (1 - part) + STOPS[below + 1][i] * part);
    }
    return new Color(rgb[0], rgb[1], rgb[2]);
  }

  private double place(double value) {
    return high > low ? Math.max(0, Math.min(1, (value - low) / (high - low))) : 1;
  }

  /** Whether letters on this colour should be white. */
  boolean isDark(double value) {
    return place(value) > 0.5;
  }

  /** A bar of all colours with its ends written beside it. */
  void draw(Graphics2D pen, int x, int y, int height, DoubleFunction<String> words) {
    for (int i = 0; i < height; i++) {
      pen.setColor(color(high - (high - low) * i / Math.max(1, height - 1)));
      pen.fillRect(x, y + i, WIDTH, 1);
    }
    pen.setColor(Canvas.PALE_INK);
    pen.drawRect(x, y, WIDTH, height);
    pen.setFont(Canvas.font(14));
    pen.drawString(words.apply(high), x + WIDTH + 8, y + 12);
    pen.drawString(words.apply(low), x + WIDTH + 8, y + height);
  }
}
