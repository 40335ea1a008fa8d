package org.coreinfer.spark;

import java.util.stream.Stream;
import org.coreinfer.cli.CoreInferCommand;

/** {@code coreinfer batch} for {@code spark-submit}, with the arguments that follow the verb. */
public final class BatchMain {
  private BatchMain() {}

  public static void main(String[] args) {
    CoreInferCommand.main(
        Stream.concat(Stream.of("batch"), Stream.of(args)).toArray(String[]::new));
  }
}
