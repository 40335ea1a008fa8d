package org.coreinfer.bench.compare;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.coreinfer.cli.Canvas;
import org.coreinfer.cli.Charts;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.Rate;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.CategoryStyler;

/** Bars of decoded tokens per second, a picture for each dtype below the other. */
final class CompareChart {
  private CompareChart() {}

  /** Draws what did not fail; nothing if everything did. */
  static void draw(CompareReport report, Path file) {
    List<BufferedImage> pictures =
        report.models().stream()
            .filter(model -> !measured(model).isEmpty())
            .map(model -> picture(report, model))
            .toList();
    if (pictures.isEmpty()) {
      return;
    }
    try (OutputStream out = Files.newOutputStream(file)) {
      if (!ImageIO.write(Canvas.stacked(pictures), "png", out)) {
        throw new CoreInferException(file + ": this Java writes no PNG");
      }
    } catch (IOException e) {
      throw new CoreInferException(file + ": cannot be written: " + e.getMessage(), e);
    }
  }

  private static List<CompareReport.Row> measured(CompareReport.Model model) {
    return model.rows().stream().filter(row -> row.decodeTokensPerSecond() != null).toList();
  }

  private static BufferedImage picture(CompareReport report, CompareReport.Model model) {
    List<CompareReport.Row> rows = measured(model);
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(Canvas.WIDTH)
            .height(Charts.HEIGHT)
            .yAxisTitle("decoded tokens per second")
            .build();
    CategoryStyler styler = chart.getStyler();
    Charts.style(styler);
    styler.setPlotContentSize(0.9);
    styler.setLegendVisible(false);
    styler.setLabelsVisible(true);
    styler.setLabelsFont(Canvas.font(14));
    styler.setXAxisLabelRotation(rows.size() > 5 ? 30 : 0);
    styler.setAvailableSpaceFill(0.6);
    styler.setYAxisMin(0.0);
    styler.setYAxisDecimalPattern("0.0");
    styler.setOverlapped(true); // each engine's series is empty where the others' bars are
    List<String> engines = rows.stream().map(CompareReport.Row::engine).distinct().toList();
    List<String> names = rows.stream().map(CompareReport.Row::name).toList();
    for (int i = 0; i < engines.size(); i++) {
      String engine = engines.get(i);
      chart.addSeries(engine, names, bars(rows, engine)).setFillColor(Canvas.color(i));
    }
    String sentence =
        String.format(
            Locale.ROOT,
            "%s of %s; medians of %s. A number behind a name is the"
                + " fraction of FFN neurons that are computed.",
            CompareReport.count(report.threads(), "thread"),
            report.machine().processor(),
            CompareReport.count(report.rounds(), "interleaved round"));
    return Canvas.titled(report.shape() + ", " + model.dtype(), sentence, Charts.paint(chart));
  }

  private static List<@Nullable Double> bars(List<CompareReport.Row> rows, String engine) {
    List<@Nullable Double> bars = new ArrayList<>();
    for (CompareReport.Row row : rows) {
      Rate decode = row.decodeTokensPerSecond();
      bars.add(decode != null && row.engine().equals(engine) ? decode.median() : null);
    }
    return bars;
  }
}
