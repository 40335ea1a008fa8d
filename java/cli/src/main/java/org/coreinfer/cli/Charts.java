package org.coreinfer.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** How charts look. */
public final class Charts {
  public static final int HEIGHT = 600;

  private static final List<Marker> MARKERS =
      List.of(
          SeriesMarkers.CIRCLE,
          SeriesMarkers.SQUARE,
          SeriesMarkers.DIAMOND,
          SeriesMarkers.TRIANGLE_UP,
          SeriesMarkers.TRIANGLE_DOWN,
          SeriesMarkers.CROSS,
          SeriesMarkers.PLUS);

  private static final Color GRID = new Color(0xDD, 0xDD, 0xDD);

  private Charts() {}

  static XYChart lines(String xTitle, String yTitle) {
    XYChart chart =
        new XYChartBuilder()
            .width(Canvas.WIDTH)
            .height(HEIGHT)
            .xAxisTitle(xTitle)
            .yAxisTitle(yTitle)
            .build();
    style(chart.getStyler());
    chart.getStyler().setMarkerSize(9);
    return chart;
  }

  public static void style(AxesChartStyler styler) {
    styler.setChartTitleVisible(false);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setPlotGridLinesStroke(new BasicStroke(1));
    styler.setPlotMargin(0);
    styler.setPlotContentSize(1);
    styler.setChartPadding(16);
    styler.setLocale(Locale.ROOT);
    styler.setChartFontColor(Canvas.INK);
    styler.setAxisTickLabelsColor(Canvas.INK);
    styler.setAxisTitleFont(Canvas.font(16));
    styler.setAxisTickLabelsFont(Canvas.font(14));
    styler.setLegendFont(Canvas.font(15));
    styler.setLegendBorderColor(Color.WHITE);
    styler.setLegendPosition(LegendPosition.InsideNE);
    styler.setAnnotationTextFont(Canvas.font(14));
    styler.setAnnotationTextFontColor(Canvas.PALE_INK);
  }

  /** A line with a mark at each point. */
  static XYSeries line(XYChart chart, String name, int index, double[] x, double[] y) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setMarker(MARKERS.get(index % MARKERS.size()));
    series.setMarkerColor(Canvas.color(index));
    series.setLineColor(Canvas.color(index));
    series.setLineStyle(new BasicStroke(2.5f));
    return series;
  }

  /** A line that is not in the legend and has no marks. */
  static XYSeries bare(
      XYChart chart, String name, Color color, float width, double[] x, double[] y) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineColor(color);
    series.setLineStyle(new BasicStroke(width));
    series.setShowInLegend(false);
    return series;
  }

  /** A level across the chart, with its name written above. */
  static void level(XYChart chart, String name, double left, double right, double y) {
    bare(chart, name, Canvas.PALE_INK, 1.5f, new double[] {left, right}, new double[] {y, y})
        .setLineStyle(
            new BasicStroke(
                1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_BEVEL, 1, new float[] {6, 4}, 0));
  }

  public static BufferedImage paint(Chart<?, ?> chart) {
    return BitmapEncoder.getBufferedImage(chart);
  }
}
