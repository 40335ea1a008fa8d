package org.coreinfer.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Finds who answers a request, and turns every failure into an answer. Thread-safe. */
final class Router implements HttpHandler {
  private static final System.Logger LOGGER = System.getLogger(Router.class.getName());

  private final Access access;
  private final Limits limits;
  private final WriteGuard guard;
  private final ServerMetrics metrics;
  private final Map<String, Route> routes = new LinkedHashMap<>();
  private final Route files;
  private final Semaphore free;
  private volatile boolean isStopping;

  /**
   * @param label the endpoint's name in metrics
   * @param isPublic whether no key is needed
   */
  private record Route(String label, Map<String, Endpoint> byMethod, boolean isPublic) {
    String allowed() {
      String methods = String.join(", ", byMethod.keySet());
      return (byMethod.containsKey("GET") ? "HEAD, " : "") + methods + ", OPTIONS";
    }
  }

  /**
   * @param files answers GET where no other endpoint does
   */
  Router(Access access, Limits limits, WriteGuard guard, ServerMetrics metrics, Endpoint files) {
    this.access = access;
    this.limits = limits;
    this.guard = guard;
    this.metrics = metrics;
    this.files = new Route("file", Map.of("GET", files), true);
    this.free = new Semaphore(limits.connections());
  }

  /** An endpoint for everybody. */
  Router open(String method, String path, Endpoint endpoint) {
    return add(method, path, endpoint, true);
  }

  /** An endpoint for those who have the key; a path that ends with a slash has any end. */
  Router guarded(String method, String path, Endpoint endpoint) {
    return add(method, path, endpoint, false);
  }

  private Router add(String method, String path, Endpoint endpoint, boolean isPublic) {
    routes
        .computeIfAbsent(path, p -> new Route(p, new TreeMap<>(), isPublic))
        .byMethod()
        .put(method, endpoint);
    return this;
  }

  /** From now on, only what needs no computing is answered. */
  void stopTakingWork() {
    isStopping = true;
  }

  boolean isStopping() {
    return isStopping;
  }

  /** Requests that are being answered. */
  int active() {
    return limits.connections() - free.availablePermits();
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    Call call = new Call(exchange, limits, guard);
    Route route = find(call);
    boolean isIn = free.tryAcquire();
    try {
      if (!isIn) {
        throw ApiException.unavailable("too_many_connections", "too many requests at once");
      }
      answer(call, route);
      exchange.close();
    } catch (ApiException e) {
      refuse(call, e);
      exchange.close();
    } catch (ConnectionLostException e) {
      // The JDK's server forgets a connection only when it ends it itself.
      throw new IOException(e);
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "a request failed", e);
      refuse(call, ApiException.failed("unexpected " + e.getClass().getSimpleName()));
      exchange.close();
    } finally {
      if (isIn) {
        free.release();
      }
      metrics.answered(route == null ? "none" : route.label(), call.status());
    }
  }

  private @Nullable Route find(Call call) {
    String path = call.rawPath();
    String inner = path.startsWith("/v1/") ? path.substring("/v1".length()) : path;
    Route exact = routes.get(inner);
    if (exact != null) {
      return exact;
    }
    for (Map.Entry<String, Route> entry : routes.entrySet()) {
      if (entry.getKey().endsWith("/") && inner.startsWith(entry.getKey())) {
        return entry.getValue();
      }
    }
    boolean isRead = call.method().equals("GET") || call.method().equals("HEAD");
    return isRead && inner.equals(path) ? files : null;
  }

  private void answer(Call call, @Nullable Route route) {
    call.answerHeaders().set("X-Content-Type-Options", "nosniff");
    if (route == null) {
      throw ApiException.notFound(
          null, "unknown_url", "there is no " + call.method() + " " + PlainText.of(call.rawPath()));
    }
    access.addCorsHeaders(call, route.allowed());
    if (call.method().equals("OPTIONS")) {
      call.answerHeaders().set("Allow", route.allowed());
      call.send(204);
      return;
    }
    String method = call.method().equals("HEAD") ? "GET" : call.method();
    Endpoint endpoint = route.byMethod().get(method);
    if (endpoint == null) {
      throw ApiException.methodNotAllowed(
          "%s takes no %s, but %s"
              .formatted(
                  PlainText.of(call.rawPath()), PlainText.of(call.method()), route.allowed()),
          route.allowed());
    }
    access.requireOwnSite(call);
    if (!route.isPublic()) {
      access.requireKey(call);
    }
    if (isStopping && method.equals("POST")) {
      throw ApiException.unavailable("stopping", "the server is stopping and takes no new work");
    }
    endpoint.answer(call);
  }

  /**
   * Says why there is no answer.
   *
   * @throws IOException if an answer has begun already: then its connection ends in the middle
   */
  private static void refuse(Call call, ApiException e) throws IOException {
    if (call.status() != 0) {
      LOGGER.log(System.Logger.Level.WARNING, "an answer broke off: " + e.message());
      throw new IOException(e);
    }
    e.headers().forEach(call.answerHeaders()::set);
    try {
      call.send(e.status(), e.body());
    } catch (ConnectionLostException lost) {
      throw new IOException(lost);
    }
  }
}
