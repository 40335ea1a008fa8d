// Compares ways of fusing a prompt with its cluster: KL divergence, and the paired difference to the first way with
// its 95 % interval. java -cp ENGINE Fuse MODEL TEXTS PROMPT_LENGTHS SCORED_TOKENS DOCUMENTS_PER_TEXT KEEPS WAYS
// A way is score, rank or logrank (an s behind it: with stability), then how the weight follows from the length: len,
// rel, odds, noise; then /PRIOR_TOKENS, /EXPONENT.
import java.nio.file.*; import java.util.*;
import org.coreinfer.*; import org.coreinfer.core.*; import org.coreinfer.evaluation.*; import org.coreinfer.model.*;
public class Fuse {
  // args: model texts prompts scored maxDocs keeps modes
  public static void main(String[] a) throws Exception {
    boolean emb = a[0].equals("embedded");
    Model.Builder b = emb ? Model.embedded() : Model.builder(Path.of(a[0]));
    Calibration c = Calibrations.of(emb ? null : Path.of(a[0]));
    try (Model m = b.device(ComputeDevice.CPU).threads(1).load()) {
      System.out.println("# " + a[0] + " prior=" + c.priorTokens() + " clusters=" + c.clusters());
      int S = Integer.parseInt(a[3]), max = Integer.parseInt(a[4]);
      for (String ps : a[2].split(",")) {
        int P = Integer.parseInt(ps);
        List<int[]> docs = new ArrayList<>();
        for (String f : a[1].split(",")) { int n = 0; for (String d : Documents.read(Path.of(f), 100000)) {
          int[] ids = m.tokenizer().encode(d, true, false);
          if (ids.length > P + 8 && n++ < max) docs.add(Arrays.copyOf(ids, Math.min(ids.length, Math.min(P + S, m.contextLength()))));
        } }
        String[] keeps = a[5].split(","), modes = a[6].split(",");
        double[][] kl = new double[keeps.length][modes.length]; long tok = 0; List<double[][]> per = new ArrayList<>(); double[] st = new double[modes.length];
        Comparison cmp = new Comparison(m.decoder(), m.cacheDtype());
        for (int[] ids : docs) try (DenseReference r = cmp.dense(ids, P, f -> {})) {
          tok += r.scoredTokens(); double[][] mine = new double[keeps.length][modes.length]; per.add(mine);
          for (int k = 0; k < keeps.length; k++) for (int i = 0; i < modes.length; i++) {
            String mode = modes[i];
            CoreOptions o = CoreOptions.auto(Double.parseDouble(keeps[k]), c);
            if (mode.equals("stab")) o = o.withMethod(CoreOptions.Method.STABILITY);
            else if (mode.equals("sim")) o = o.withMethod(CoreOptions.Method.SIMILARITY);
            else { String[] q = mode.split("/"); NeuronScores.MODE = q[0]; NeuronScores.P = q.length > 1 ? Double.parseDouble(q[1]) : -1; NeuronScores.G = q.length > 2 ? Double.parseDouble(q[2]) : 1; }
            NeuronScores.SUM = 0; NeuronScores.N = 0;
            mine[k][i] = cmp.compare(r, o, f -> {}).divergence(); kl[k][i] += mine[k][i];
            st[i] += NeuronScores.N == 0 ? 0 : NeuronScores.SUM / NeuronScores.N / docs.size();
          }
        }
        for (int i = 0; i < modes.length; i++) { StringBuilder s = new StringBuilder(); for (int k = 0; k < keeps.length; k++) { double d = (kl[k][i] - kl[k][0]) / per.size(), v = 0; for (double[][] x : per) v += Math.pow(x[k][i] - x[k][0] - d, 2); s.append(String.format(" %s: %.4f (%+.4f +- %.4f)", keeps[k], kl[k][i] / tok, d * per.size() / tok, 1.96 * Math.sqrt(v) / tok)); }
          System.out.printf("P=%d docs=%d tok=%d %-18s%s  stab=%.3f%n", P, docs.size(), tok, modes[i], s, st[i]); }
      }
    }
  }
}
