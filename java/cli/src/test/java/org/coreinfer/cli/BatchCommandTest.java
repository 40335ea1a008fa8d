package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code batch} says before Spark is needed; the rest is tested in coreinfer-spark. */
class BatchCommandTest {
  @Test
  void withoutSparkItSaysWhatIsMissing() {
    String sentence = Command.run("batch", "in.csv", "out", "--prompt-column", "q").sentence(1);
    assertTrue(sentence.contains("batch runs on Spark, which is not part of this"), sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "--parts,-1,--parts=-1: expected 0 or more",
    "--slots,0,--slots=0: expected 1 or more",
    "--temperature,-1,--temperature=-1.0",
    "--system,Hello,go with --chat",
    "--output-format,xml,'--output-format xml: expected parquet, jsonl, csv'",
    "--send-model,,name the model with --model",
    "--json-mode,,--json-schema"
  })
  void aBadValueIsNamed(String option, String value, String expected) {
    String[] arguments =
        value == null
            ? new String[] {"batch", "in.csv", "out", "--prompt-column", "q", option}
            : new String[] {"batch", "in.csv", "out", "--prompt-column", "q", option, value};
    String sentence = Command.run(arguments).sentence(2);
    assertTrue(sentence.contains(expected), sentence);
  }

  @Test
  void aTableOfUnknownKindIsAskedFor() {
    String sentence = Command.run("batch", "table", "out", "--prompt-column", "q").sentence(2);
    assertTrue(sentence.contains("table: say with --input-format"), sentence);
  }
}
