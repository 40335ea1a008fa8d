package org.coreinfer.server;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.coreinfer.generation.Drafts;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.SchedulerListener;
import org.coreinfer.serving.SchedulerStatus;
import org.jspecify.annotations.Nullable;

/**
 * What a server tells Prometheus of itself; all names begin with {@code coreinfer_}. Thread-safe.
 */
final class ServerMetrics implements SchedulerListener {
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final ExpositionFormats formats = ExpositionFormats.init();
  private final int neurons;

  private final Counter requests =
      Counter.builder()
          .name("coreinfer_requests")
          .help("HTTP requests, by endpoint and status; status 0 if the client left before")
          .labelNames("endpoint", "status")
          .register(registry);

  private final Histogram waiting =
      seconds("queue", "Time from a request to the reading of its prompt", 1e-3, 2.5, 12);
  private final Histogram firstToken =
      seconds("time_to_first_token", "Time from a request to its first token", 1e-3, 2.5, 12);
  private final Histogram perToken =
      seconds("time_per_token", "Time between two tokens of an answer", 1e-4, 2, 15);
  private final Histogram whole =
      seconds("request", "Time from a request to the end of its answer", 1e-3, 2.5, 14);

  private final Histogram keep =
      Histogram.builder()
          .name("coreinfer_keep_ratio")
          .help("Share of the FFN neurons that an answer's tokens computed")
          .classicOnly()
          .classicUpperBounds(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
          .register(registry);

  private final Histogram acceptance =
      Histogram.builder()
          .name("coreinfer_draft_acceptance_ratio")
          .help("Share of an answer's drafted tokens that every neuron confirmed")
          .classicOnly()
          .classicUpperBounds(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
          .register(registry);

  /**
   * @param neurons of each layer of the model
   */
  ServerMetrics(int neurons) {
    this.neurons = neurons;
    gauge("coreinfer_heap_bytes", "Java heap in use", ServerMetrics::heapBytes);
    double start = System.currentTimeMillis() / 1000.0;
    gauge("coreinfer_start_time_seconds", "When the server started, since 1970", () -> start);
  }

  private Histogram seconds(String name, String help, double first, double factor, int count) {
    return Histogram.builder()
        .name("coreinfer_" + name + "_seconds")
        .help(help)
        .classicOnly()
        .classicExponentialUpperBounds(first, factor, count)
        .register(registry);
  }

  private void gauge(String name, String help, Supplier<Number> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.get().doubleValue()))
        .register(registry);
  }

  private static double heapBytes() {
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Adds what the scheduler knows. */
  void observe(Supplier<SchedulerStatus> status) {
    gauge("coreinfer_running", "Answers in progress", () -> status.get().running());
    gauge("coreinfer_waiting", "Requests in the queue", () -> status.get().waiting());
    gauge("coreinfer_slots", "Most answers at once", () -> status.get().slots());
    gauge("coreinfer_queue", "Most requests in the queue", () -> status.get().queue());
    gauge(
        "coreinfer_cache_used_tokens",
        "Tokens whose keys and values are kept",
        () -> status.get().cacheTokensUsed());
    gauge(
        "coreinfer_cache_tokens",
        "Most tokens whose keys and values are kept",
        () -> status.get().cacheTokens());
    counter(status, "prompt_tokens", "Tokens of prompts", c -> c.promptTokens());
    counter(
        status,
        "cached_tokens",
        "Tokens of prompts that were known already",
        c -> c.cachedTokens());
    counter(status, "generated_tokens", "Tokens of answers", c -> c.generatedTokens());
    counter(status, "drafted_tokens", "Tokens drafted by core neurons", c -> c.draftedTokens());
    counter(status, "accepted_tokens", "Drafts that were confirmed", c -> c.acceptedTokens());
    counter(status, "completed", "Answers that came to their end", c -> c.completed());
    counter(status, "cancelled", "Answers that were cancelled", c -> c.cancelled());
    counter(status, "timed_out", "Answers that took too long", c -> c.timedOut());
    counter(status, "failed", "Answers that failed", c -> c.failed());
    counter(status, "refused", "Requests that found the queue full", c -> c.refused());
  }

  private void counter(
      Supplier<SchedulerStatus> status,
      String name,
      String help,
      ToDoubleFunction<SchedulerStatus.Counters> value) {
    CounterWithCallback.builder()
        .name("coreinfer_" + name)
        .help(help)
        .callback(callback -> callback.call(value.applyAsDouble(status.get().counters())))
        .register(registry);
  }

  /** Counts a request. */
  void answered(String endpoint, int status) {
    requests.labelValues(endpoint, Integer.toString(status)).inc();
  }

  @Override
  public void onFirstToken(Duration waited, Duration read) {
    waiting.observe(seconds(waited));
    firstToken.observe(seconds(waited) + seconds(read));
  }

  @Override
  public void onNextToken(Duration sinceLast) {
    perToken.observe(seconds(sinceLast));
  }

  @Override
  public void onEnd(GenerationResult result, Duration took) {
    whole.observe(seconds(took));
    if (!result.neuronsPerLayer().isEmpty()) {
      keep.observe(CoreReport.keep(result, neurons));
    }
    Drafts drafts = result.drafts();
    if (drafts != null && drafts.drafted() > 0) {
      acceptance.observe(drafts.acceptance());
    }
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  /** Answers with all of it, in the format that the client prefers. */
  void answer(Call call) {
    ExpositionFormatWriter writer = formats.findWriter(accepted(call));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      writer.write(out, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    call.send(200, writer.getContentType(), out.toByteArray());
  }

  private static @Nullable String accepted(Call call) {
    String accept = call.header("Accept");
    // Without a library for protocol buffers there is no such format.
    return accept != null && accept.contains("openmetrics")
        ? accept.replaceAll("application/vnd\\.google\\.protobuf[^,]*,?", "")
        : null;
  }
}
