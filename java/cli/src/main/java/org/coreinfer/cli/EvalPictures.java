package org.coreinfer.cli;

import java.awt.image.BufferedImage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.Evaluation;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.XYChart;

/** Pictures of an evaluation. */
final class EvalPictures {
  private static final double MOST_MEGABYTES = 3e9;

  private final Evaluation evaluation;
  private final double unit;
  private final XYChart chart;

  private EvalPictures(Evaluation evaluation) {
    this.evaluation = evaluation;
    boolean isLarge = evaluation.dense().bytesPerToken() > MOST_MEGABYTES;
    this.unit = isLarge ? 1e9 : 1e6;
    this.chart =
        Charts.lines(
            "weights read for each token (" + (isLarge ? "GB)" : "MB)"),
            "KL divergence from dense decoding (nats per token)");
  }

  /**
   * What quality costs: the divergence over the bytes that a token reads.
   *
   * @throws CoreInferException if nothing diverges
   */
  static Map<String, BufferedImage> of(String model, Evaluation evaluation) {
    return Map.of("quality", new EvalPictures(evaluation).quality(model));
  }

  private BufferedImage quality(String model) {
    List<Evaluation.Core> cores =
        evaluation.cores().stream().filter(core -> core.kl().value() > 0).toList();
    if (cores.isEmpty()) {
      throw new CoreInferException(
          "nothing diverges from dense decoding: there is no curve to draw");
    }
    double least = cores.stream().mapToDouble(EvalPictures::low).min().orElseThrow();
    double most = cores.stream().mapToDouble(EvalPictures::high).max().orElseThrow();
    double floor = least / Math.pow(most / least, 0.15) / 1.1;
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmicDecadeOnly(false);
    chart.getStyler().setYAxisTickLabelsFormattingFunction(EvalPictures::tick);
    chart.getStyler().setYAxisMin(floor).setYAxisMax(most * 1.3);
    double dense = evaluation.dense().bytesPerToken() / unit;
    double fewest = cores.stream().mapToDouble(this::x).min().orElseThrow();
    double margin = 0.06 * (dense - fewest);
    chart.getStyler().setXAxisMin(fewest - margin).setXAxisMax(dense + margin);
    curves(cores);
    markKeeps(cores, floor);
    markDense(dense, floor);
    String sentence =
        String.format(
            Locale.ROOT,
            "Lower and further left is better. %d documents, %d tokens scored%s.",
            evaluation.documents(),
            evaluation.tokens(),
            evaluation.documents() > 1 ? "; bars are 95 % confidence intervals" : "");
    return Canvas.titled("What core neurons cost: " + model, sentence, Charts.paint(chart));
  }

  private void curves(List<Evaluation.Core> cores) {
    Map<String, List<Evaluation.Core>> groups = new LinkedHashMap<>();
    for (Evaluation.Core core : cores) {
      groups.computeIfAbsent(name(core, cores), key -> new ArrayList<>()).add(core);
    }
    int index = 0;
    for (Map.Entry<String, List<Evaluation.Core>> group : groups.entrySet()) {
      List<Evaluation.Core> points = group.getValue();
      points.sort(Comparator.comparing(this::x));
      double[] x = points.stream().mapToDouble(this::x).toArray();
      double[] y = points.stream().mapToDouble(core -> core.kl().value()).toArray();
      Charts.line(chart, group.getKey(), index, x, y);
      for (int i = 0; i < x.length; i++) {
        double[] ends = {low(points.get(i)), high(points.get(i))};
        String name = group.getKey() + " interval " + i;
        Charts.bare(chart, name, Canvas.color(index), 1.5f, new double[] {x[i], x[i]}, ends);
      }
      index++;
    }
  }

  /** Writes each keep fraction below its points. */
  private void markKeeps(List<Evaluation.Core> cores, double floor) {
    Map<Double, Double> places = new TreeMap<>();
    cores.forEach(core -> places.putIfAbsent(core.options().keep(), x(core)));
    places.forEach(
        (keep, x) ->
            chart.addAnnotation(
                new AnnotationText(
                    String.format(Locale.ROOT, "keep %.2g", keep), x, floor * 1.12, false)));
  }

  private void markDense(double dense, double floor) {
    double[] ends = {floor, floor * 1.06};
    Charts.bare(chart, "dense", Canvas.INK, 3, new double[] {dense, dense}, ends);
    chart.addAnnotation(new AnnotationText("dense", dense, floor * 1.12, false));
  }

  /** The method where several are compared, and the rule where several are. */
  private static String name(Evaluation.Core core, List<Evaluation.Core> all) {
    String method = EvalReport.method(core.options());
    String rule = core.options().rule();
    boolean isOneMethod =
        all.stream().allMatch(other -> EvalReport.method(other.options()).equals(method));
    boolean isOneRule = all.stream().allMatch(other -> other.options().rule().equals(rule));
    if (isOneMethod && !isOneRule) {
      return rule;
    }
    return isOneRule && !isOneMethod ? method : method + ", " + rule;
  }

  /** Of a decade's ticks 1, 2 and 5 are labelled, so that labels don't touch. */
  private static String tick(double value) {
    double leading = value / Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
    long digit = Math.round(leading);
    boolean isLabelled = digit == 1 || digit == 2 || digit == 5;
    return isLabelled ? BigDecimal.valueOf(value).round(new MathContext(1)).toPlainString() : "";
  }

  private double x(Evaluation.Core core) {
    return core.bytesPerToken().value() / unit;
  }

  private static double low(Evaluation.Core core) {
    return core.kl().hasInterval() && core.kl().low() > 0 ? core.kl().low() : core.kl().value();
  }

  private static double high(Evaluation.Core core) {
    return core.kl().hasInterval() ? core.kl().high() : core.kl().value();
  }
}
