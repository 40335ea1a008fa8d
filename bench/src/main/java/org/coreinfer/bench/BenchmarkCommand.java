package org.coreinfer.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Collection;
import java.util.List;
import org.coreinfer.error.BackendUnavailableException;
import org.openjdk.jmh.Main;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/**
 * JMH's command line, behind a look at the arguments: what no benchmark could run with is refused
 * in one sentence. Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
public final class BenchmarkCommand {
  private BenchmarkCommand() {}

  /** Runs the benchmarks that the arguments choose; {@code -h} explains all of them. */
  public static void main(String[] args) throws IOException {
    int refusal = refuse(args, System.err);
    if (refusal != 0) {
      System.exit(refusal);
    }
    Main.main(args);
  }

  /**
   * Looks at the arguments.
   *
   * @param err receives a sentence if they are refused
   * @return 0, or the exit code
   */
  static int refuse(String[] args, PrintStream err) {
    try {
      for (int i = 0; i + 1 < args.length; i++) {
        if (args[i].equals("-p")) {
          ParameterCheck.check(args[i + 1]);
        }
      }
      CommandLineOptions options = new CommandLineOptions(args);
      Collection<String> backends = options.getParameter("backend").orElse(List.of());
      for (String backend : backends) {
        Workbench.requireUsable(backend);
      }
      return 0;
    } catch (CommandLineOptionException | IllegalArgumentException e) {
      err.println("jmh: " + e.getMessage());
      return 2;
    } catch (BackendUnavailableException e) {
      err.println("jmh: " + e.getMessage());
      return 1;
    }
  }
}
