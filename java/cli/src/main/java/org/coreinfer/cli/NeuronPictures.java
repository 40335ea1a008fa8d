package org.coreinfer.cli;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coreinfer.evaluation.SetStability;
import org.coreinfer.evaluation.TopicOverlap;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The pictures of {@code neurons}. */
final class NeuronPictures {
  private static final double ENOUGH = 0.9;

  private NeuronPictures() {}

  static Map<String, BufferedImage> of(NeuronStudy study) {
    Map<String, BufferedImage> pictures = new LinkedHashMap<>();
    pictures.put("stability", stability(study));
    TopicOverlap overlap = study.overlap();
    if (overlap != null && study.topics().size() > 1) {
      pictures.put("overlap", OverlapPicture.of(study, overlap));
    }
    pictures.put("neurons", new NeuronStrips(study).draw());
    return pictures;
  }

  private static BufferedImage stability(NeuronStudy study) {
    List<SetStability.Curve> curves = study.curves();
    SetStability.Curve all = curves.get(0);
    double[] tokens = all.points().stream().mapToDouble(SetStability.Point::tokens).toArray();
    double last = tokens[tokens.length - 1];
    XYChart chart =
        Charts.lines(
            "tokens read",
            String.format(Locale.ROOT, "overlap with the core neurons of all %.0f", last));
    chart.getStyler().setLegendPosition(LegendPosition.OutsideS);
    chart.getStyler().setLegendLayout(LegendLayout.Horizontal);
    chart.getStyler().setXAxisMin(0.0).setXAxisMax(1.02 * last);
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(1.05);
    chart
        .getStyler()
        .setYAxisTickLabelsFormattingFunction(
            share -> String.format(Locale.ROOT, "%.0f %%", 100 * share));
    band(chart, all, tokens);
    for (int i = 1; i < curves.size(); i++) {
      String name = curves.get(i).layers().toString();
      Charts.bare(chart, name, Canvas.color(i), 1.5f, tokens, means(curves.get(i)))
          .setShowInLegend(true);
    }
    Charts.line(chart, "all layers", 0, tokens, means(all));
    level(chart, "chance", last, all.chance());
    if (!Double.isNaN(all.others())) {
      level(chart, "another document", last, all.others());
    }
    return Canvas.titled(
        "How early core neurons are known: " + study.label(),
        sentence(study, all),
        Charts.paint(chart));
  }

  private static String sentence(NeuronStudy study, SetStability.Curve all) {
    List<SetStability.Point> points = all.points();
    int enough = points.size() - 1;
    while (enough > 0 && points.get(enough - 1).mean() >= ENOUGH) {
      enough--;
    }
    String others =
        Double.isNaN(all.others())
            ? ""
            : String.format(
                Locale.ROOT, "; another document shares %.0f %% of them", 100 * all.others());
    return String.format(
        Locale.ROOT,
        "The first %d tokens find %.0f %% of the neurons that all %d choose%s, chance %.0f %%. Means of"
            + " %d documents; the band holds 8 of 10.",
        points.get(enough).tokens(),
        100 * points.get(enough).mean(),
        points.get(points.size() - 1).tokens(),
        others,
        100 * all.chance(),
        study.stability().documents());
  }

  private static double[] means(SetStability.Curve curve) {
    return curve.points().stream().mapToDouble(SetStability.Point::mean).toArray();
  }

  private static void band(XYChart chart, SetStability.Curve curve, double[] tokens) {
    int count = tokens.length;
    double[] x = new double[2 * count];
    double[] y = new double[2 * count];
    for (int i = 0; i < count; i++) {
      x[i] = tokens[i];
      y[i] = curve.points().get(i).low();
      x[2 * count - 1 - i] = tokens[i];
      y[2 * count - 1 - i] = curve.points().get(i).high();
    }
    Color color = Canvas.color(0);
    XYSeries band = Charts.bare(chart, "band", new Color(0, 0, 0, 0), 0, x, y);
    band.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.PolygonArea);
    band.setFillColor(new Color(color.getRed(), color.getGreen(), color.getBlue(), 45));
  }

  private static void level(XYChart chart, String name, double last, double y) {
    Charts.level(chart, name, 0, last, y);
    chart.addAnnotation(new AnnotationText(name, 0.9 * last, y - 0.025, false));
  }
}
