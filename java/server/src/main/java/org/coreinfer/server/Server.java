package org.coreinfer.server;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.coreinfer.Model;
import org.coreinfer.chat.ChatTemplate;
import org.coreinfer.core.Calibration;
import org.coreinfer.core.CoreWish;
import org.coreinfer.error.CoreInferException;
import org.coreinfer.serving.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Answers over HTTP with one model, in the form of OpenAI's API. It listens from {@link
 * Builder#start} on until it is stopped; the model stays the caller's, who closes it afterwards.
 * Thread-safe.
 *
 * <p>The JDK's HTTP server reads its system properties once in a process. Those that this server
 * needs are set if nobody has set them: small packets at once, bounds on headers, on the time in
 * which a request must come, and on connections.
 */
public final class Server implements AutoCloseable {
  private static final Duration IDLE = Duration.ofSeconds(10);
  private static final Duration ABORT = Duration.ofSeconds(5);

  static {
    setUnlessSet("sun.net.httpserver.nodelay", "true");
    setUnlessSet("sun.net.httpserver.maxReqTime", "60"); // seconds
    setUnlessSet("sun.net.httpserver.maxReqHeaderSize", "65536"); // bytes
    setUnlessSet("sun.net.httpserver.maxReqHeaders", "100");
    setUnlessSet("jdk.httpserver.maxConnections", "2048");
  }

  private final HttpServer http;
  private final ExecutorService threads;
  private final Scheduler scheduler;
  private final Router router;
  private final WriteGuard guard;
  private boolean isStopped;

  private static void setUnlessSet(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private Server(Builder builder, InetSocketAddress address) {
    Limits limits = builder.limits;
    ServedModel served =
        ServedModel.of(
            builder.model, builder.aliases, builder.core, builder.calibration, builder.template);
    ServerMetrics metrics = new ServerMetrics(builder.model.config().neurons());
    this.scheduler =
        Scheduler.builder(builder.model)
            .slots(limits.slots())
            .queue(limits.queue())
            .listener(metrics)
            .build();
    try {
      this.http = bind(address);
    } catch (CoreInferException e) {
      scheduler.close();
      throw e;
    }
    metrics.observe(scheduler::status);
    this.guard = new WriteGuard(limits.stalledWrite());
    boolean isLoopback = address.getAddress().isLoopbackAddress();
    Access access = new Access(builder.apiKey, builder.corsOrigin, isLoopback);
    this.router = new Router(access, limits, guard, metrics, new StaticFiles());
    addRoutes(served, metrics, new ChatCompletions(served, scheduler));
    AtomicInteger count = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE, // the router bounds what is served at once
            IDLE.toSeconds(),
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            work -> {
              Thread thread = new Thread(work, "coreinfer-http-" + count.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    http.setExecutor(threads);
    http.createContext("/", router);
    http.start();
  }

  private static HttpServer bind(InetSocketAddress address) {
    try {
      return HttpServer.create(address, 0);
    } catch (BindException e) {
      throw new CoreInferException(
          "cannot listen on %s port %d: %s; choose another with --port, or 0 for any that is free"
              .formatted(address.getHostString(), address.getPort(), e.getMessage()),
          e);
    } catch (IOException e) {
      throw new CoreInferException(
          "cannot listen on " + address.getHostString() + ": " + e.getMessage(), e);
    }
  }

  private void addRoutes(ServedModel served, ServerMetrics metrics, ChatCompletions chat) {
    Tokens tokens = new Tokens(served);
    router
        .open("GET", "/health", call -> call.send(new JsonOut().put("status", "ok")))
        .open("GET", "/ready", this::tellReady)
        .guarded("GET", "/metrics", metrics::answer)
        .guarded("GET", "/models", served::list)
        .guarded("GET", "/models/", served::describe)
        .guarded("POST", "/completions", new Completions(served, scheduler))
        .guarded("POST", "/chat/completions", chat)
        .guarded("POST", "/embeddings", new Embeddings(served))
        .guarded("POST", "/apply-template", chat::applyTemplate)
        .guarded("GET", "/tokenizer_info", tokens::describe)
        .guarded("POST", "/tokenize", tokens::tokenize)
        .guarded("POST", "/detokenize", tokens::detokenize);
  }

  private void tellReady(Call call) {
    if (router.isStopping()) {
      throw ApiException.unavailable("stopping", "the server is stopping and takes no new work");
    }
    call.send(new JsonOut().put("status", "ready"));
  }

  /** A server for a model. */
  public static Builder builder(Model model) {
    return new Builder(model);
  }

  /** Where it listens. */
  public int port() {
    return http.getAddress().getPort();
  }

  /** As a client writes it, such as {@code http://127.0.0.1:8080}. */
  public String url() {
    InetSocketAddress address = http.getAddress();
    String host = address.getAddress().getHostAddress();
    return "http://%s:%d".formatted(host.contains(":") ? "[" + host + "]" : host, port());
  }

  /**
   * Refuses new work, waits so long for the answers in progress, and cancels those that are left.
   * Then nobody listens any more, and the port is free.
   */
  public synchronized void stop(Duration grace) {
    if (isStopped) {
      return;
    }
    isStopped = true;
    router.stopTakingWork();
    awaitAnswers(grace); // the scheduler's own wait would refuse the rest of a request's prompts
    scheduler.drain(Duration.ZERO);
    awaitAnswers(ABORT);
    http.stop(0);
    threads.shutdownNow();
    scheduler.close();
    guard.close();
  }

  /** What was computed is to reach its clients, if they take it. */
  private void awaitAnswers(Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    try {
      while (router.active() > 0 && System.nanoTime() < end) {
        Thread.sleep(10);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Stops without grace. */
  @Override
  public void close() {
    stop(Duration.ZERO);
  }

  /** Collects a server's settings; all have defaults. */
  public static final class Builder {
    private final Model model;
    private final List<String> aliases = new ArrayList<>();
    private String host = "127.0.0.1";
    private int port;
    private @Nullable String apiKey;
    private boolean isKeyless;
    private @Nullable String corsOrigin;
    private CoreWish core = CoreWish.NONE;
    private @Nullable Calibration calibration;
    private @Nullable ChatTemplate template;
    private Limits limits = Limits.usual();

    private Builder(Model model) {
      this.model = model;
    }

    /** A name or an address of this machine; 127.0.0.1 by default, which only itself reaches. */
    public Builder host(String value) {
      host = value;
      return this;
    }

    /** 0, the default, for any that is free. */
    public Builder port(int value) {
      if (value < 0 || value > 65535) {
        throw new IllegalArgumentException("port=" + value + ": expected 0 to 65535");
      }
      port = value;
      return this;
    }

    /** What clients must send as a bearer token; null, the default, for nothing. */
    public Builder apiKey(@Nullable String value) {
      if (value != null && (value.isBlank() || !value.equals(value.strip()))) {
        throw new IllegalArgumentException("api-key: is empty, or has blanks around it");
      }
      apiKey = value;
      return this;
    }

    /** Whether other machines may reach a server without a key. */
    public Builder allowNoKey(boolean value) {
      isKeyless = value;
      return this;
    }

    /** Whose pages may read answers in a browser, or {@code *}; null, the default, for nobody's. */
    public Builder corsOrigin(@Nullable String value) {
      corsOrigin = value;
      return this;
    }

    /** Adds a name for the model; the first is what the server calls it. */
    public Builder alias(String value) {
      aliases.add(value);
      return this;
    }

    /** Which neurons to compute unless a request says otherwise. */
    public Builder core(CoreWish value) {
      core = value;
      return this;
    }

    /** What is known of the model's neurons. */
    public Builder calibration(@Nullable Calibration value) {
      calibration = value;
      return this;
    }

    /** How conversations are written; null, the default, for the model's own template. */
    public Builder chatTemplate(@Nullable ChatTemplate value) {
      template = value;
      return this;
    }

    public Builder limits(Limits value) {
      limits = value;
      return this;
    }

    /**
     * Starts to listen.
     *
     * @throws IllegalArgumentException if other machines would reach a server without a key
     * @throws CoreInferException if the port is taken, or the host is none
     */
    public Server start() {
      InetAddress address;
      try {
        address = InetAddress.getByName(host);
      } catch (UnknownHostException e) {
        throw new CoreInferException("there is no host " + host, e);
      }
      if (!address.isLoopbackAddress() && apiKey == null && !isKeyless) {
        throw new IllegalArgumentException(
            "host "
                + host
                + ": other machines reach it, so give an API key, or say that none is needed with"
                + " --allow-no-key");
      }
      return new Server(this, new InetSocketAddress(address, port));
    }
  }
}
