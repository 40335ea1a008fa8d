package org.coreinfer.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.serving.AnswerListener;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServedToken;
import org.coreinfer.serving.ServingRequest;
import org.coreinfer.synthesis.ModelShape;
import org.coreinfer.synthesis.RandomNumbers;
import org.coreinfer.tensor.DType;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Answers to some requests at once, from submission to the last token: prompts, choosing, decoding
 * and delivery ({@link Scheduler}), with core neurons and then densely, so that both meet the same
 * machine. The results are the tokens of all answers and the time of both kinds; the ratio of the
 * times is what core neurons gain. {@code decodeMillis} leave out what passed before every prompt
 * was read.
 *
 * <p>Prompts are random tokens, others for each request, so their core neurons are what chance has
 * in common.
 *
 * <pre>
 * bench/jmh.sh SchedulerBenchmark -p shape=tinyllama-1.1b -p dtype=Q4_0 -p sequences=1,2,4,8
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
public class SchedulerBenchmark extends OnBackend {
  private static final int ANSWER = 32;

  @Param("tinyllama-1.1b")
  public String shape;

  /** 0 for as many as the shape has. */
  @Param("0")
  public int layers;

  @Param({"F16", "Q8_0", "Q4_0"})
  public DType dtype;

  /** Requests that are answered at once. */
  @Param({"1", "2", "4", "8"})
  public int sequences;

  /** The fraction of neurons that is computed. */
  @Param("0.4")
  public double keep;

  /** Tokens of each prompt. */
  @Param("128")
  public int position;

  private RandomModel model;
  private Scheduler scheduler;
  private List<GenerationRequest> requests;

  /** Sums over a run, which JMH calls events. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Times {
    public long tokens;
    public double coreMillis;
    public double denseMillis;
    public double coreDecodeMillis;
    public double denseDecodeMillis;
  }

  @Setup
  public void open() {
    ModelShape sizes = ModelShape.of(shape).withLayers(layers);
    CoreOptions options = CoreOptions.stability(keep);
    model = RandomModel.load(this, sizes, dtype, position + ANSWER, options);
    scheduler =
        Scheduler.builder(model.model()).slots(sequences).reuse(Scheduler.Reuse.NONE).build();
    int[] tokens = RandomNumbers.tokens(sizes.vocabulary(), position * sequences);
    requests = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      List<Integer> prompt =
          Arrays.stream(tokens, i * position, (i + 1) * position).boxed().toList();
      requests.add(GenerationRequest.ofTokens(prompt).maxTokens(ANSWER).ignoreEos(true).build());
    }
  }

  /** One answer on its way. */
  private static final class Pending implements AnswerListener {
    private final CompletableFuture<Long> begin = new CompletableFuture<>();
    private final CompletableFuture<GenerationResult> end = new CompletableFuture<>();

    @Override
    public void onToken(ServedToken token) {
      begin.complete(System.nanoTime());
    }

    @Override
    public void onEnd(GenerationResult result) {
      end.complete(result);
    }

    @Override
    public void onFailure(RuntimeException failure) {
      begin.completeExceptionally(failure);
      end.completeExceptionally(failure);
    }
  }

  /** What passed while all requests were answered, and from the last one's first token on. */
  private record Took(double millis, double decodeMillis) {}

  private Took answer(CoreOptions core) {
    long start = System.nanoTime();
    List<Pending> answers = new ArrayList<>();
    for (GenerationRequest request : requests) {
      Pending answer = new Pending();
      answers.add(answer);
      scheduler.submit(ServingRequest.of(request).core(core).build(), answer);
    }
    answers.forEach(each -> each.end.join());
    long end = System.nanoTime();
    long begin = answers.stream().mapToLong(each -> each.begin.join()).max().orElseThrow();
    return new Took((end - start) * 1e-6, (end - begin) * 1e-6);
  }

  @Benchmark
  public void answers(Times times) {
    Took core = answer(CoreOptions.stability(keep));
    Took dense = answer(CoreOptions.dense());
    times.coreMillis += core.millis;
    times.denseMillis += dense.millis;
    times.coreDecodeMillis += core.decodeMillis;
    times.denseDecodeMillis += dense.decodeMillis;
    times.tokens += (long) sequences * ANSWER;
  }

  @TearDown
  public void close() {
    scheduler.close();
    model.close();
  }
}
