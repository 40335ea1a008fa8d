package org.coreinfer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.evaluation.CoreSet;
import org.coreinfer.evaluation.Documents;
import org.coreinfer.evaluation.SetReader;
import org.coreinfer.evaluation.SetStability;
import org.coreinfer.generation.Cancellation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows which neurons texts choose. */
@Command(
    name = "neurons",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Show how core neurons behave: how early they are known, which texts share them.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer neurons --text stories.txt --plot stories.png",
      "  coreinfer neurons model.gguf --text news.txt --text code.txt --text german.txt --plot pictures",
      "  coreinfer neurons model.gguf --text news.txt --text code.txt --keep 0.2 --rule paper --json",
      "",
      "FILE holds documents with a line <|endoftext|> between them; each FILE is a topic. Three things",
      "are shown: stability, the overlap of the set that a text's first tokens choose with that of the",
      "whole text; overlap, what documents of one topic and of different topics have in common; and",
      "neurons, which ones are core always, for one topic, or never."
    })
final class NeuronsCommand implements Callable<Integer> {
  private static final int LEAST_TOKENS = 16;

  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(
      names = "--text",
      required = true,
      paramLabel = "FILE",
      description = "The documents of a topic; may be given more than once.")
  private List<Path> texts = List.of();

  @Option(
      names = "--keep",
      paramLabel = "FRACTION",
      defaultValue = "0.4",
      description = "Fraction of each layer's neurons that is core (default: ${DEFAULT-VALUE}).")
  private double keep;

  @Option(
      names = "--rule",
      paramLabel = "NAME",
      defaultValue = CoreOptions.DEFAULT_RULE,
      description =
          "How neurons are ranked: paper, reference, magnitude, norm, impact or relative (default:"
              + " ${DEFAULT-VALUE}).")
  private String rule = CoreOptions.DEFAULT_RULE;

  @Option(
      names = "--alpha",
      paramLabel = "SHARE",
      defaultValue = "" + CoreOptions.DEFAULT_ALPHA,
      description =
          "Share of a token's activations that count, for the rules that count (default:"
              + " ${DEFAULT-VALUE}).")
  private double alpha;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description =
          "Look at the stability of the first N tokens, of documents that have as many (default:"
              + " what half of them have).")
  private @Nullable Integer tokens;

  @Option(names = "--json", description = "Print one JSON object instead of tables.")
  private boolean isJson;

  @Mixin private DocumentOptions documents = new DocumentOptions();
  @Mixin private PlotOptions plot = new PlotOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  NeuronsCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() {
    CoreOptions core = options();
    plot.check();
    List<List<String>> read = new ArrayList<>();
    for (Path text : texts) {
      read.add(Documents.read(text, documents.most()));
    }
    try (Interrupt interrupt = Interrupt.listen(cancellation);
        Model model = models.load(argument.path(), core, streams, interrupt.cancellation())) {
      List<List<int[]>> topics = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        topics.add(DocumentOptions.tokens(model, texts.get(i), read.get(i), LEAST_TOKENS, streams));
      }
      NeuronStudy study = study(model, core, topics);
      streams.print(isJson ? Json.of(NeuronsReport.of(study)) + "\n" : NeuronsText.of(study));
      plot.draw(streams, () -> NeuronPictures.of(study));
    }
    return 0;
  }

  private CoreOptions options() {
    if (tokens != null && tokens < 2) {
      throw Usage.error(spec, "--tokens=" + tokens + ": expected 2 or more");
    }
    CoreOptions core = Usage.checked(spec, () -> CoreOptions.stability(keep), "--keep");
    if (keep == 1) {
      throw Usage.error(spec, "--keep=1: with every neuron core there is nothing to see");
    }
    CoreOptions ruled = Usage.checked(spec, () -> core.withRule(rule), "--rule");
    return Usage.checked(spec, () -> ruled.withAlpha(alpha), "--alpha");
  }

  private NeuronStudy study(Model model, CoreOptions core, List<List<int[]>> topics) {
    int[] lengths = SetStability.lengths(stableLength(topics));
    SetStability stability = new SetStability(lengths);
    int count = topics.stream().mapToInt(List::size).sum();
    int longest =
        topics.stream().flatMap(List::stream).mapToInt(ids -> ids.length).max().orElseThrow();
    List<NeuronStudy.Topic> read = new ArrayList<>();
    double done = 0;
    try (SetReader reader = new SetReader(model.decoder(), longest, model.cacheDtype());
        Progress progress = new Progress(streams, cancellation, "Reading documents")) {
      for (int topic = 0; topic < topics.size(); topic++) {
        List<CoreSet> sets = new ArrayList<>();
        for (int[] ids : topics.get(topic)) {
          double before = done++;
          int[] ends = ends(lengths, ids.length);
          List<CoreSet> prefixes =
              reader.prefixes(
                  core, ids, ends, fraction -> progress.update((before + fraction) / count));
          if (ends.length >= lengths.length) {
            stability.add(prefixes.subList(0, lengths.length));
          }
          sets.add(prefixes.get(prefixes.size() - 1));
        }
        int sum = topics.get(topic).stream().mapToInt(ids -> ids.length).sum();
        read.add(new NeuronStudy.Topic(name(topic), sum, sets));
      }
    }
    return new NeuronStudy(model.name(), core, stability, read);
  }

  /** The file's name, or its path if two files have one name. */
  private String name(int topic) {
    String name = fileName(texts.get(topic));
    boolean isUnique = texts.stream().filter(text -> fileName(text).equals(name)).count() == 1;
    return isUnique ? name : texts.get(topic).toString();
  }

  private static String fileName(Path text) {
    return String.valueOf(text.getFileName()).replaceFirst("\\.[^.]+$", "");
  }

  private int stableLength(List<List<int[]>> topics) {
    int[] sorted =
        topics.stream().flatMap(List::stream).mapToInt(ids -> ids.length).sorted().toArray();
    int asked = tokens != null ? tokens : sorted[sorted.length / 2];
    if (asked > sorted[sorted.length - 1]) {
      throw new CoreInferException(
          "--tokens %d: the longest document has %d tokens, within the context"
              .formatted(asked, sorted[sorted.length - 1]));
    }
    return asked;
  }

  /** Where to look at a document: at all lengths, if it is so long, and at its end. */
  private static int[] ends(int[] lengths, int tokens) {
    int last = lengths[lengths.length - 1];
    if (tokens < last) {
      return new int[] {tokens};
    }
    if (tokens == last) {
      return lengths;
    }
    int[] ends = Arrays.copyOf(lengths, lengths.length + 1);
    ends[lengths.length] = tokens;
    return ends;
  }
}
