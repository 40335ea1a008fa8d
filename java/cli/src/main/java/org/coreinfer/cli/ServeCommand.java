package org.coreinfer.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.coreinfer.Model;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.core.CoreWish;
import org.coreinfer.generation.Cancellation;
import org.coreinfer.server.Limits;
import org.coreinfer.server.Server;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Answers over HTTP until it is stopped. */
@Command(
    name = "serve",
    sortOptions = false,
    abbreviateSynopsis = true,
    description = "Serve a model over HTTP, in the form of OpenAI's API.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  coreinfer serve",
      "  coreinfer serve model.gguf --port 0 --keep 0.4 --slots 8",
      "  coreinfer serve model.gguf --host 0.0.0.0 --api-key-file key.txt",
      "  curl localhost:8080/v1/completions -d '{\"prompt\": \"Once upon a time\"}'",
      "  curl localhost:8080/v1/completions -d '{\"prompt\": \"One day\", \"stream\": true,",
      "    \"coreinfer\": {\"keep\": 0.2}}'",
      "",
      "Clients of OpenAI's API take http://127.0.0.1:8080/v1 as their base URL. Chat needs a",
      "template: the model's own, or --chat-template. The neuron options are what requests get",
      "that say nothing else in an object \"coreinfer\". The URL goes to stdout when the server",
      "is ready. SIGTERM and Ctrl-C refuse new work and let answers end first."
    })
final class ServeCommand implements Callable<Integer> {
  private static final Duration BEYOND_GRACE = Duration.ofSeconds(20);

  private final Streams streams;
  private final Cancellation cancellation;

  @Spec
  @SuppressWarnings("NullAway.Init")
  private CommandSpec spec;

  @Mixin private ModelArgument argument = new ModelArgument();

  @Option(
      names = "--host",
      paramLabel = "NAME",
      defaultValue = "127.0.0.1",
      description =
          "Where to listen; 0.0.0.0 for every network of this machine (default:"
              + " ${DEFAULT-VALUE}, this machine alone).")
  private String host = "";

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8080",
      description = "0 for any that is free (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--alias",
      paramLabel = "NAME",
      description = "What requests may call the model, besides its own name; may be repeated.")
  private List<String> aliases = new ArrayList<>();

  @Mixin private AccessOptions access = new AccessOptions();
  @Mixin private LimitOptions limits = new LimitOptions();
  @Mixin private TemplateOptions template = new TemplateOptions();
  @Mixin private NeuronOptions neurons = new NeuronOptions();
  @Mixin private ModelOptions models = new ModelOptions();

  ServeCommand(Streams streams, Cancellation cancellation) {
    this.streams = streams;
    this.cancellation = cancellation;
  }

  @Override
  public Integer call() throws InterruptedException {
    CoreWish wish = neurons.toWish();
    CoreOptions core = neurons.toCoreOptions(argument.path(), streams);
    Calibration calibration = neurons.calibration(argument.path());
    Duration grace = limits.grace();
    Limits most = limits.toLimits();
    String apiKey = access.key();
    try (Interrupt interrupt = Interrupt.listenForEnd(cancellation, grace.plus(BEYOND_GRACE));
        Model model = models.load(argument.path(), core, streams, interrupt.cancellation())) {
      neurons.suitedLayers(
          () -> {
            core.requireSuits(model.config());
            return model;
          });
      Server.Builder builder =
          Server.builder(model)
              .host(host)
              .core(wish)
              .calibration(calibration)
              .limits(most)
              .chatTemplate(
                  template.isGiven()
                      ? template.choose(model.name(), model.chatTemplateTexts())
                      : null);
      Usage.checked(spec, () -> builder.port(port), "--port");
      aliases.forEach(builder::alias);
      access.addTo(builder, apiKey);
      serve(Usage.checked(spec, builder::start, "--host"), model, grace);
    }
    return 0;
  }

  private void serve(Server server, Model model, Duration grace) throws InterruptedException {
    try (server) {
      streams.println(server.url());
      streams.note("coreinfer: serving " + model.name() + " on " + model.backend());
      while (!cancellation.isCancelled()) {
        Thread.sleep(50);
      }
      streams.note(
          "coreinfer: stopping; answers in progress have " + grace.toSeconds() + " s to end");
      server.stop(grace);
    }
  }
}
