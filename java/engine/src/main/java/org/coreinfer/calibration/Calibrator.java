package org.coreinfer.calibration;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreOptions.LayerRange;
import org.coreinfer.core.LinearMap;
import org.coreinfer.core.Rules;
import org.coreinfer.model.Decoder;
import org.coreinfer.model.ModelConfig;
import org.coreinfer.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Makes a calibration of a model from documents. Every eighth document is held out, to measure on.
 *
 * <ol>
 *   <li>Each other document is read, and every neuron's mean score noted.
 *   <li>Documents are clustered by the scores of a late layer (25 of 32, as published).
 *   <li>A layer's sensitivity is measured: the divergence from dense decoding when its cluster's
 *       least neurons are dropped, over the score that was dropped with them. So the scores of all
 *       layers become costs of one unit.
 *   <li>By these costs neurons are shared among layers, for each of some keep fractions.
 *   <li>What is open is measured: how much a prompt weighs against its cluster, and whether the
 *       budgets are better than equal ones.
 *   <li>What is left out is fitted by linear maps, which stay if more neurons for the same bytes
 *       would do less.
 *   <li>The divergence is measured at each keep fraction.
 * </ol>
 *
 * The same documents and settings give the same calibration. What was computed is kept in a log, so
 * that a run that was interrupted goes on where it was.
 */
public final class Calibrator {
  private static final int HELD_OUT_EVERY = 8;
  private static final double GUIDE_LAYER = 25.0 / 32;
  private static final double DROPPED = 0.1;
  private static final int PRIOR = 128; // until the best is measured
  private static final List<Integer> PRIOR_TOKENS = List.of(32, PRIOR, 512);
  private static final List<Double> KEEPS =
      List.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0);
  private static final int TYPICAL_KEEP = 3; // of KEEPS: where choices are measured
  private static final int TYPICAL_PROMPT = 64;
  private static final long MOST_LOGIT_BYTES = 1L << 30;
  private static final List<Integer> MAP_KEEPS = List.of(1, 3, 5, 7); // of KEEPS
  private static final int MOST_MAP_DOCUMENTS = 256;
  private static final int RANK_PARTS = 4; // of the dimension
  private static final int MOST_RANK = 64;

  /** Documents that a calibration needs at least. */
  public static final int LEAST_DOCUMENTS = 16;

  private final Decoder decoder;
  private final ModelConfig config;
  private final String model;
  private final byte[] fingerprint;
  private final Settings settings;
  private final DType cacheDtype;

  /**
   * What to calibrate for.
   *
   * @param rule a name of {@link Rules}; its scores of single tokens must add up
   * @param alpha of the rule
   * @param clusters how many; 0 finds out
   * @param measured held-out documents to measure on, at most
   */
  public record Settings(String rule, double alpha, int clusters, int measured, long seed)
      implements Serializable {
    public Settings {
      Rules.addable(rule, alpha);
      if (clusters < 0 || clusters > 64) {
        throw new IllegalArgumentException("clusters=" + clusters + ": expected 0 (auto) to 64");
      }
      if (measured < 1) {
        throw new IllegalArgumentException("measured=" + measured + ": expected 1 or more");
      }
    }
  }

  /** Hears of the progress; may throw to end the run. */
  public interface Monitor {
    /** {@code fraction} of this step is done, in 0..1. */
    void progress(String step, double fraction);
  }

  /**
   * A document whose scores are asked for.
   *
   * @param index tells it from the others
   * @param ids its tokens
   */
  public record Unread(int index, int[] ids) implements Serializable {}

  /** Reads documents, here or on other machines. */
  @FunctionalInterface
  public interface Reading {
    /**
     * Reads all of these documents.
     *
     * @param scores takes what {@link DocumentScoring#scores} gives of each, in any order, on the
     *     calling thread; may throw to end the reading
     */
    void read(List<Unread> documents, BiConsumer<Unread, byte[]> scores);
  }

  /**
   * @param model the name that the calibration will carry
   * @param fingerprint tells the decoder's weights from others, for the log
   */
  public Calibrator(
      Decoder decoder, String model, byte[] fingerprint, Settings settings, DType cacheDtype) {
    this.decoder = decoder;
    this.config = decoder.config();
    this.model = model;
    this.fingerprint = fingerprint.clone();
    this.settings = settings;
    this.cacheDtype = cacheDtype;
  }

  /**
   * Makes the calibration.
   *
   * @param documents token ids, each of two tokens or more and short enough for the model
   * @param log where computed things are kept until the calibration is done
   * @throws IllegalArgumentException if there are too few documents
   */
  public Calibration run(List<int[]> documents, Path log, Monitor monitor) {
    return run(documents, log, monitor, null);
  }

  /**
   * The same, with documents read elsewhere; all that follows is computed here. The calibration is
   * the same to the bit if the other place computes as this one does.
   *
   * @param reading null to read here
   */
  public Calibration run(
      List<int[]> documents, Path log, Monitor monitor, @Nullable Reading reading) {
    if (documents.size() < LEAST_DOCUMENTS) {
      throw new IllegalArgumentException(
          "%d documents: a calibration needs %d or more"
              .formatted(documents.size(), LEAST_DOCUMENTS));
    }
    List<int[]> read = new ArrayList<>();
    List<int[]> heldOut = new ArrayList<>();
    for (int i = 0; i < documents.size(); i++) {
      (i % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 ? heldOut : read).add(documents.get(i));
    }
    CalibrationLog records = new CalibrationLog(log, purpose(documents));
    try (records) {
      Run run = new Run(records, monitor, read, heldOut, reading);
      Calibration calibration = run.calibrate();
      records.delete();
      return calibration;
    }
  }

  private byte[] purpose(List<int[]> documents) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      String what = model + "\n" + config + "\n" + settings + "\n" + cacheDtype;
      digest.update(what.getBytes(StandardCharsets.UTF_8));
      digest.update(fingerprint);
      for (int[] document : documents) {
        ByteBuffer ids = ByteBuffer.allocate((document.length + 1) * Integer.BYTES);
        ids.putInt(document.length);
        ids.asIntBuffer().put(document);
        digest.update(ids.rewind());
      }
      return digest.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** One calibration in progress. */
  private final class Run {
    private final CalibrationLog log;
    private final Monitor monitor;
    private final List<int[]> read;
    private final List<int[]> heldOut;
    private final int layers = config.layers();
    private final int neurons = config.neurons();
    private final ReadDocuments documents;

    Run(
        CalibrationLog log,
        Monitor monitor,
        List<int[]> read,
        List<int[]> heldOut,
        @Nullable Reading reading) {
      this.log = log;
      this.monitor = monitor;
      this.read = read;
      this.heldOut = heldOut;
      this.documents = readDocuments(reading);
    }

    Calibration calibrate() {
      int guide = Math.min(layers - 1, (int) (GUIDE_LAYER * layers));
      Clusters groups = new Clusters(documents.roots(guide), settings.seed());
      List<List<Integer>> clusters = groups.of(settings.clusters());
      float[][][] roots = roots(clusters);
      float[][] uniform = BudgetPlanner.uniform(layers, KEEPS);
      try (DivergenceMeter meter = meter()) {
        double[] sensitivity = sensitivity(meter, calibration(roots, PRIOR, uniform));
        float[][] shares = plan(clusters, roots, sensitivity);
        if (settings.clusters() == 0) {
          roots = bestClusters(meter, groups, roots, shares);
        }
        double planned = atTypicalKeep(meter, "planned", roots, PRIOR, shares);
        double equal = atTypicalKeep(meter, "equal", roots, PRIOR, uniform);
        float[][] better = planned <= equal ? shares : uniform;
        Calibration best = calibration(roots, bestPrior(meter, roots, better), better);
        return measured(meter, withMaps(meter, best));
      }
    }

    /** The elbow rule's clusters, or twice as many as long as that measures better. */
    private float[][][] bestClusters(
        DivergenceMeter meter, Clusters groups, float[][][] elbow, float[][] shares) {
      float[][][] best = elbow;
      double least = atTypicalKeep(meter, "clusters " + best.length, best, PRIOR, shares);
      while (2 * best.length <= groups.most()) {
        float[][][] more = roots(groups.of(2 * best.length));
        double divergence = atTypicalKeep(meter, "clusters " + more.length, more, PRIOR, shares);
        if (divergence >= least) {
          return best;
        }
        least = divergence;
        best = more;
      }
      return best;
    }

    private ReadDocuments readDocuments(@Nullable Reading elsewhere) {
      try (DocumentScoring scoring =
          new DocumentScoring(decoder, settings, longest(), cacheDtype)) {
        Reading here =
            (unread, scores) ->
                unread.forEach(each -> scores.accept(each, scoring.scores(each.ids())));
        return new ReadDocuments(
            elsewhere == null ? here : elsewhere,
            scoring.rowWeights(),
            config,
            read,
            log,
            part -> monitor.progress("Reading documents", part));
      }
    }

    private int longest() {
      return read.stream().mapToInt(ids -> ids.length).max().orElse(1);
    }

    // ---- layers ----

    /** What a unit of score costs in each layer, in nats. */
    private double[] sensitivity(DivergenceMeter meter, Calibration calibration) {
      double[] sensitivity = new double[layers];
      for (int layer = 0; layer < layers; layer++) {
        LayerScores scores = new LayerScores(calibration, layer, documents.rowWeights()[layer]);
        double share = scores.shareThatLoses(DROPPED);
        int only = layer;
        double divergence =
            measure(
                "layer " + layer,
                () ->
                    meter.measure(
                        CoreOptions.similarity(share, calibration)
                            .withLayers(new LayerRange(only, only))));
        double dropped = scores.lost(share);
        sensitivity[layer] = Math.max(divergence, 1e-6) / Math.max(dropped, Double.MIN_NORMAL);
        monitor.progress("Measuring layers", (layer + 1.0) / layers);
      }
      return sensitivity;
    }

    private float[][] plan(List<List<Integer>> clusters, float[][][] roots, double[] sensitivity) {
      BudgetPlanner planner = new BudgetPlanner(layers, neurons, KEEPS);
      float prior = PRIOR;
      for (int k = 0; k < roots.length; k++) {
        for (int index : clusters.get(k)) {
          float[][] costs = documents.scores(index);
          for (int layer = 0; layer < layers; layer++) {
            for (int i = 0; i < neurons; i++) {
              float root = roots[k][layer][i];
              double score = TYPICAL_PROMPT * costs[layer][i] + prior * root * root;
              costs[layer][i] =
                  (float) (score * documents.rowWeights()[layer][i] * sensitivity[layer]);
            }
          }
          planner.add(costs);
        }
      }
      return planner.shares();
    }

    // ---- measures ----

    private DivergenceMeter meter() {
      long most = Math.max(1, MOST_LOGIT_BYTES / DivergenceMeter.bytesPerDocument(decoder));
      int count = (int) Math.min(Math.min(heldOut.size(), settings.measured()), most);
      DivergenceMeter meter = new DivergenceMeter(decoder, cacheDtype);
      try {
        for (int i = 0; i < count; i++) {
          meter.add(heldOut.get((int) ((long) i * heldOut.size() / count)));
          monitor.progress("Decoding densely", (i + 1.0) / count);
        }
        return meter;
      } catch (RuntimeException e) {
        meter.close();
        throw e;
      }
    }

    private double measure(String key, DoubleSupplier measure) {
      byte[] known = log.find(key);
      if (known != null && known.length == Double.BYTES) {
        return ByteBuffer.wrap(known).getDouble();
      }
      double value = measure.getAsDouble();
      log.put(key, ByteBuffer.allocate(Double.BYTES).putDouble(value).array());
      return value;
    }

    private int bestPrior(DivergenceMeter meter, float[][][] roots, float[][] shares) {
      int best = 0;
      double least = Double.POSITIVE_INFINITY;
      for (int tokens : PRIOR_TOKENS) {
        double divergence = atTypicalKeep(meter, "prior " + tokens, roots, tokens, shares);
        if (divergence < least) {
          least = divergence;
          best = tokens;
        }
      }
      return best;
    }

    private double atTypicalKeep(
        DivergenceMeter meter, String key, float[][][] roots, int priorTokens, float[][] shares) {
      Calibration calibration = calibration(roots, priorTokens, shares);
      double keep = KEEPS.get(TYPICAL_KEEP);
      return measure(key, () -> meter.measure(CoreOptions.auto(keep, calibration)));
    }

    /** With the divergence at each keep fraction, which does not grow with it. */
    private Calibration measured(DivergenceMeter meter, Calibration calibration) {
      Double[] divergence = new Double[KEEPS.size()];
      double most = 0;
      for (int k = divergence.length - 1; k >= 0; k--) {
        double keep = KEEPS.get(k);
        if (keep < 1) {
          CoreOptions options = CoreOptions.auto(keep, calibration);
          most = Math.max(most, measure("keep " + keep, () -> meter.measure(options)));
        }
        divergence[k] = most;
        monitor.progress("Measuring keeps", (double) (divergence.length - k) / divergence.length);
      }
      return calibration.withDivergence(List.of(divergence));
    }

    /** With estimates of what is left out, where neurons for as many bytes do less. */
    private Calibration withMaps(DivergenceMeter meter, Calibration plain) {
      int rank = Math.min(MOST_RANK, config.dim() / RANK_PARTS);
      if (rank < 1) {
        return plain;
      }
      Map<Integer, LinearMap> maps = fitMaps(plain, rank);
      Calibration mapped = plain.withMaps(maps);
      for (int k : MAP_KEEPS) {
        double keep = KEEPS.get(k);
        double same = keep + meter.shareOfBytes(CoreOptions.auto(keep, mapped));
        double more =
            measure("more at " + keep, () -> meter.measure(CoreOptions.auto(same, plain)));
        double map = measure("map at " + keep, () -> meter.measure(CoreOptions.auto(keep, mapped)));
        if (map >= more) {
          maps.remove(k);
        }
      }
      return plain.withMaps(maps);
    }

    private Map<Integer, LinearMap> fitMaps(Calibration plain, int rank) {
      List<CoreOptions> options =
          MAP_KEEPS.stream().map(k -> CoreOptions.auto(KEEPS.get(k), plain)).toList();
      int count = Math.min(read.size(), MOST_MAP_DOCUMENTS);
      List<int[]> some =
          IntStream.range(0, count).mapToObj(i -> read.get(i * read.size() / count)).toList();
      try (MapFitter fitter = new MapFitter(decoder, options, rank, longest(), cacheDtype)) {
        List<LinearMap> maps =
            fitter.fit(some, fraction -> monitor.progress("Fitting what is left out", fraction));
        Map<Integer, LinearMap> byKeep = new HashMap<>();
        for (int i = 0; i < maps.size(); i++) {
          byKeep.put(MAP_KEEPS.get(i), maps.get(i));
        }
        return byKeep;
      }
    }

    private float[][][] roots(List<List<Integer>> clusters) {
      return clusters.stream().map(documents::meanRoots).toArray(float[][][]::new);
    }

    private Calibration calibration(float[][][] roots, int priorTokens, float[][] shares) {
      long tokens = read.stream().mapToLong(ids -> ids.length).sum();
      List<Double> unknown = KEEPS.stream().map(keep -> 0.0).toList();
      return new Calibration(
          new Calibration.Source(
              model, layers, neurons, settings.rule(), settings.alpha(), read.size(), tokens),
          priorTokens,
          roots,
          new Calibration.Budgets(KEEPS, shares, unknown),
          Map.of());
    }
  }
}
