package org.coreinfer;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.error.SessionFormatException;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.coreinfer.generation.Sequence;
import org.coreinfer.generation.Token;
import org.coreinfer.generation.TokenStream;
import org.coreinfer.model.NeuronSet;
import org.coreinfer.tensor.DType;
import org.coreinfer.tensor.Lifetime;

/**
 * A text that grows by prompts and answers: each request continues it, and only its own prompt is
 * read. For one thread at a time, except {@link #close}.
 */
public final class Session implements AutoCloseable {
  private final Model model;
  private final Sequence sequence;
  private final Lifetime lifetime;
  private final AtomicBoolean isAnswering = new AtomicBoolean();

  Session(Model model, CoreOptions options, DType cacheDtype) {
    this.model = model;
    options.requireSuits(model.config());
    this.sequence = new Sequence(model.decoder(), options, model.contextLength(), cacheDtype);
    this.lifetime = new Lifetime("the session", sequence::close);
  }

  /** Tokens read and generated so far. */
  public int position() {
    return sequence.position();
  }

  /**
   * The neurons that the latest prompt chose; all before the first. Valid until the next request.
   */
  public NeuronSet neurons() {
    return sequence.neurons();
  }

  /** Answers greedily, up to 256 tokens. */
  public GenerationResult generate(String prompt) {
    return generate(GenerationRequest.of(prompt).build());
  }

  public GenerationResult generate(GenerationRequest request) {
    return generate(request, token -> {});
  }

  /** Answers, handing out each token as soon as it is known. */
  public GenerationResult generate(GenerationRequest request, Consumer<Token> onToken) {
    try (TokenStream stream = stream(request)) {
      stream.forEach(onToken);
      return stream.result();
    }
  }

  /**
   * Answers token by token, each computed when it is asked for. The session takes no other request
   * until the stream has ended or was closed.
   */
  public TokenStream stream(GenerationRequest request) {
    int[] prompt = promptTokens(request);
    request.sampling().adjustments().requireSuits(model.config().vocabulary());
    int room = sequence.capacity() - sequence.position();
    if (prompt.length > room) {
      throw new IllegalArgumentException(
          "the prompt has %d tokens, but %d of the context's %d are left: shorten it or use a larger context"
              .formatted(prompt.length, room, sequence.capacity()));
    }
    if (lifetime.isClosed()) {
      throw new IllegalStateException("the session is closed");
    }
    if (!isAnswering.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "the session is answering another request; end or close its stream first");
    }
    return new TokenStream(
        sequence,
        request,
        prompt,
        model.endTokens(),
        model.tokenizer().newStreamDecoder(false),
        new Lifetime.Nested(model.lifetime(), lifetime),
        () -> isAnswering.set(false));
  }

  /**
   * Goes back to where the first {@code tokens} tokens had been read or generated, so that another
   * text can follow them. The core neurons stay chosen until the next prompt, which counts what was
   * read since too; with 0 the session is as a new one.
   *
   * @param tokens at most {@link #position}
   */
  public void rewind(int tokens) {
    if (tokens < 0 || tokens > sequence.position()) {
      throw new IllegalArgumentException(
          "rewind to %d tokens: the session has %d".formatted(tokens, sequence.position()));
    }
    use(() -> sequence.rewind(tokens));
  }

  /**
   * Writes the session to a file, replacing one of that name: with {@link #load} another session of
   * the same model and options goes on from here, to the same bits.
   *
   * @throws UncheckedIOException if the system refuses; an old file stays then
   */
  public void save(Path file) {
    use(
        () -> {
          Path written = file.resolveSibling(file.getFileName() + ".part");
          try (OutputStream out = Files.newOutputStream(written)) {
            sequence.save(model.fingerprint(), out);
          } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(written);
            throw e;
          }
          Files.move(written, file, StandardCopyOption.REPLACE_EXISTING);
        });
  }

  /**
   * Goes on where a saved session was, in place of what was read here so far. If it fails this
   * session is empty.
   *
   * @throws SessionFormatException if the file is broken, or of another model, other options or
   *     another version
   * @throws UncheckedIOException if it cannot be read
   */
  public void load(Path file) {
    use(
        () -> {
          try (InputStream in = Files.newInputStream(file)) {
            sequence.load(model.fingerprint(), in, file.toString());
          }
        });
  }

  private interface Work {
    void run() throws IOException;
  }

  /** Does something while no request is answered. */
  private void use(Work work) {
    if (!isAnswering.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "the session is answering a request; end or close its stream first");
    }
    try {
      Lifetime.Nested both = new Lifetime.Nested(model.lifetime(), lifetime);
      both.enter();
      try {
        work.run();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        both.exit();
      }
    } finally {
      isAnswering.set(false);
    }
  }

  private int[] promptTokens(GenerationRequest request) {
    List<Integer> given = request.promptTokens();
    int[] tokens =
        given != null
            ? given.stream().mapToInt(Integer::intValue).toArray()
            : model
                .tokenizer()
                .encode(
                    String.valueOf(request.prompt()), sequence.isEmpty(), request.parseSpecial());
    if (tokens.length == 0 && sequence.isEmpty()) {
      throw new IllegalArgumentException(
          "the prompt is empty, and this model has no token that starts a text");
    }
    return tokens;
  }

  /** Frees keys, values and scratch memory when the step in progress has ended. */
  @Override
  public void close() {
    lifetime.close();
  }
}
