package org.coreinfer.bench;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.coreinfer.Model;
import org.coreinfer.text.Tokenizer;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * The embedded model's tokenizer on one of the held-out texts, 20 kB each, and back.
 *
 * <p>Java alone bounds it, on one thread: splitting, a look-up of known words, and merging pairs of
 * unknown ones. The text's bytes in UTF-8 are counted.
 *
 * <pre>
 * bench/jmh.sh TokenizerBenchmark.encode -p text=code,german
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TokenizerBenchmark {
  /** A file of test-data/embedded/heldout, without its ending. */
  @Param({"stories", "code", "german", "wiki"})
  public String text;

  private Tokenizer tokenizer;
  private String content;
  private long bytes;
  private int[] ids;

  @Setup
  public void open() throws IOException {
    tokenizer = Model.embedded().readTokenizer();
    byte[] utf8 = read("heldout/" + text + ".txt");
    content = new String(utf8, StandardCharsets.UTF_8);
    bytes = utf8.length;
    ids = tokenizer.encode(content, true, true);
  }

  private static byte[] read(String resource) throws IOException {
    try (InputStream in = TokenizerBenchmark.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new FileNotFoundException(
            resource + ": there is no such text; see test-data/embedded/heldout");
      }
      return in.readAllBytes();
    }
  }

  @Benchmark
  public int[] encode(Traffic traffic) {
    traffic.read(bytes);
    return tokenizer.encode(content, true, true);
  }

  @Benchmark
  public String decode(Traffic traffic) {
    traffic.read(bytes);
    return tokenizer.decode(ids);
  }
}
