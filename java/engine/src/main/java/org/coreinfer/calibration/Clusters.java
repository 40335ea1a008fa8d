package org.coreinfer.calibration;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.commons.math3.ml.clustering.CentroidCluster;
import org.apache.commons.math3.ml.clustering.Clusterable;
import org.apache.commons.math3.ml.clustering.KMeansPlusPlusClusterer;
import org.apache.commons.math3.ml.clustering.MultiKMeansPlusPlusClusterer;
import org.apache.commons.math3.ml.distance.EuclideanDistance;
import org.apache.commons.math3.random.Well19937c;

/**
 * Groups documents by what one layer computed for them (k-means++), and finds by the elbow rule how
 * many groups there are. The same documents and seed give the same groups.
 */
final class Clusters {
  private static final int MOST_BY_ELBOW = 12;
  private static final int MOST = 48;
  private static final int ITERATIONS = 100;
  private static final int TRIALS = 8;
  private static final int DOCUMENTS_PER_CLUSTER = 8;

  private final List<Point> points = new ArrayList<>();
  private final long seed;

  private record Point(int document, double[] coordinates) implements Clusterable {
    @Override
    public double[] getPoint() {
      return coordinates;
    }
  }

  /**
   * @param features (documents, neurons)
   */
  Clusters(List<float[]> features, long seed) {
    for (int document = 0; document < features.size(); document++) {
      points.add(new Point(document, unit(features.get(document))));
    }
    this.seed = seed;
  }

  /** The most clusters that so many documents should be divided into. */
  int most() {
    return Math.max(1, Math.min(MOST, points.size() / DOCUMENTS_PER_CLUSTER));
  }

  /**
   * The documents of each cluster, in ascending order; clusters in the order of their first one.
   *
   * @param clusters how many; 0 for the elbow rule
   */
  List<List<Integer>> of(int clusters) {
    if (clusters > 0) {
      return documents(cluster(Math.min(clusters, points.size())));
    }
    List<List<CentroidCluster<Point>>> candidates = new ArrayList<>();
    double[] scatter = new double[Math.min(MOST_BY_ELBOW, most())];
    for (int k = 1; k <= scatter.length; k++) {
      candidates.add(cluster(k));
      scatter[k - 1] = scatter(candidates.get(k - 1));
    }
    return documents(candidates.get(elbow(scatter)));
  }

  private static double[] unit(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    double length = sum > 0 ? Math.sqrt(sum) : 1;
    double[] unit = new double[values.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = values[i] / length;
    }
    return unit;
  }

  private List<CentroidCluster<Point>> cluster(int k) {
    KMeansPlusPlusClusterer<Point> once =
        new KMeansPlusPlusClusterer<>(k, ITERATIONS, new EuclideanDistance(), new Well19937c(seed));
    return new MultiKMeansPlusPlusClusterer<>(once, TRIALS).cluster(points);
  }

  /** The sum of squared distances from the centroids. */
  private static double scatter(List<CentroidCluster<Point>> clusters) {
    double sum = 0;
    EuclideanDistance distance = new EuclideanDistance();
    for (CentroidCluster<Point> cluster : clusters) {
      for (Point point : cluster.getPoints()) {
        double d = distance.compute(point.getPoint(), cluster.getCenter().getPoint());
        sum += d * d;
      }
    }
    return sum;
  }

  /**
   * The elbow of a falling curve: the index that lies farthest below the straight line between its
   * ends.
   */
  static int elbow(double[] curve) {
    int last = curve.length - 1;
    int best = 0;
    double deepest = 0;
    for (int i = 1; i < last; i++) {
      double line = curve[0] + (curve[last] - curve[0]) * i / last;
      if (line - curve[i] > deepest) {
        deepest = line - curve[i];
        best = i;
      }
    }
    return best;
  }

  private static List<List<Integer>> documents(List<CentroidCluster<Point>> clusters) {
    return clusters.stream()
        .filter(cluster -> !cluster.getPoints().isEmpty())
        .map(cluster -> cluster.getPoints().stream().map(Point::document).sorted().toList())
        .sorted(Comparator.comparing(documents -> documents.get(0)))
        .toList();
  }
}
