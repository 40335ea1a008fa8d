package org.coreinfer.chat.jinja;

import java.time.Clock;
import java.time.Duration;
import java.util.Map;

/** A template that was read; immutable, and safe for use by many threads. */
public final class JinjaTemplate {
  /** How deep expressions, blocks and values may be nested. */
  static final int DEEPEST = 100;

  /**
   * What one rendering may use up.
   *
   * @param characters of all text that is made on the way, the result among it
   * @param depth of calls within calls
   */
  public record Limits(long characters, Duration time, int depth) {
    /** Enough for long conversations. */
    public static final Limits DEFAULT = new Limits(1L << 28, Duration.ofSeconds(10), 100);
  }

  private final Statement body;

  private JinjaTemplate(Statement body) {
    this.body = body;
  }

  /**
   * Reads a template.
   *
   * @throws JinjaException if it is broken, or needs what this package lacks
   */
  public static JinjaTemplate parse(String source) {
    return new JinjaTemplate(Parser.parse(source));
  }

  /**
   * The template's text.
   *
   * @param values global variables, made by {@link JinjaValues}
   * @param clock what {@code strftime_now} reads
   * @throws JinjaException if the template fails, refuses the values or exceeds a limit
   */
  public Text render(Map<String, Object> values, Limits limits, Clock clock) {
    Budget budget = new Budget(limits);
    Scope scope = Scope.outermost(budget);
    Globals.addTo(scope, clock);
    Scope variables = scope.inner();
    values.forEach(variables::set);
    TextBuilder out = new TextBuilder();
    Budget.begin(budget);
    try {
      body.run(variables, out);
    } catch (StackOverflowError e) {
      throw new JinjaException("the template's calls or values are nested too deep");
    } finally {
      Budget.begin(null);
    }
    return out.toText();
  }
}
