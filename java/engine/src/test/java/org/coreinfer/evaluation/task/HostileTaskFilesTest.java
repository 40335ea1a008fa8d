package org.coreinfer.evaluation.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.coreinfer.error.CoreInferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HostileTaskFilesTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static String failure(Path file) {
    return String.valueOf(
        assertThrows(CoreInferException.class, () -> TaskFile.read(file, null)).getMessage());
  }

  static List<Arguments> broken() {
    String deep = "[".repeat(100_000);
    return List.of(
        Arguments.of("", "has no records"),
        Arguments.of(" \n", "has no records"),
        Arguments.of("[]", "has no records"),
        Arguments.of("question,answer,false_answer\n", "has no records"),
        Arguments.of("a line of text\nand another\n", "line 2: no task format has the fields"),
        Arguments.of("[1]", "record 1: expected an object"),
        Arguments.of("{\"data\": [\"x\"]}", "record 1: expected an object"),
        Arguments.of("{\"a\":1}", "line 1: no task format has the fields a"),
        Arguments.of("{\"question\":", "not valid JSON"),
        Arguments.of("{'question':'a'}", "not valid JSON"),
        Arguments.of("[{\"a\":1}] x", "not valid JSON"),
        Arguments.of(deep, "not valid JSON"),
        Arguments.of("{\"x\":" + deep, "not valid JSON"),
        Arguments.of(
            "{\"question\":\"q\",\"answer\":\"a\"}\n{\"question\":\n", "line 2: not valid JSON"),
        Arguments.of(
            "{\"question\":\"q\",\"answer\":\"a\"}\n{\"question\":\"q\"}\n",
            "line 2: has none of the fields answers, answer"),
        Arguments.of(
            "{\"question\":\"q\",\"prompt\":\"q\",\"answer\":\"a\"}", "several of the fields"),
        Arguments.of("{\"question\":\"q\",\"answers\":[]}", "has no answer"),
        Arguments.of("{\"question\":\"q\",\"answers\":[\"a\",{}]}", "field answers.1: expected"),
        Arguments.of("{\"question\":\" \",\"answers\":[\"a\"]}", "field question is empty"),
        Arguments.of("{\"question\":\"q\",\"choices\":[\"x\"],\"answer\":\"y\"}", "not among them"),
        Arguments.of("question,answer,false_answer\nq,a\n", "line 2: has 2 fields"),
        Arguments.of("question,answer,false_answer\nq,;,x\n", "line 2: field answer is empty"),
        Arguments.of("question,answer,false_answer\nq,a,x\n,a,x\n", "line 3: field question"),
        Arguments.of("question,question\nq,a\n", "not a CSV table"),
        Arguments.of("question,answer\n\"q,a\n", "not a CSV table, from line 2"),
        Arguments.of(
            "{\"translation\":{\"en\":\"a\",\"de\":\"b\"}}\n{\"translation\":{\"en\":\"a\"}}\n",
            "line 2, translation: has 1 languages"),
        Arguments.of("{\"translation\":{\"en\":\"a\",\"de\":2,\"fr\":\"c\"}}", "has 3 languages"),
        Arguments.of(
            "{\"data\":[{\"paragraphs\":[{\"context\":\"c\",\"qas\":[{\"question\":\"q\"}]}]}]}",
            "record 1, paragraphs.0, qas.0: field answers is missing"),
        Arguments.of("{\"data\":[{\"paragraphs\":[]}]}", "has no examples"),
        Arguments.of("{\"article\":\"a\",\"summary_gt\":\"s\"}", "field article: has no article"),
        Arguments.of(
            "[{\"question\":\"q\",\"mc1_targets\":{\"a\":0,\"b\":0}}]", "has 0 true answers"),
        Arguments.of("[{\"question\":\"q\",\"mc1_targets\":{}}]", "has 0 true answers"),
        Arguments.of(
            "[{\"question\":\"q\",\"answer\":{\"value\":\"v\"}}]", "field aliases is missing"));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void aBrokenFileIsOneSentenceWithFileAndPlace(String text, String expected) throws IOException {
    Path file = Files.writeString(folder.resolve("broken-task"), text);
    String sentence = failure(file);
    assertTrue(sentence.startsWith(file.toString()), sentence);
    assertTrue(sentence.contains(expected), sentence);
    assertEquals(1, sentence.lines().count(), sentence);
  }

  @Test
  void filesThatCannotBeReadAreToldApart() throws IOException {
    assertTrue(failure(folder.resolve("missing")).endsWith("missing: no such file"));
    Path latin = folder.resolve("latin");
    Files.write(latin, "question,answer\ncaf\u00e9,x".getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(failure(latin).endsWith("is not UTF-8 text"));
    assertTrue(failure(folder).contains("cannot be read"));
  }

  @Test
  void aByteOrderMarkAndWindowsLineEndsAreNoPartOfTheData() throws IOException {
    Path file = folder.resolve("windows.csv");
    Files.writeString(file, "\ufeffquestion,answer\r\nq,a\r\n\r\n\"r\ns\",b\r\nt,c\r\n");
    Task task = TaskFile.read(file, null);
    assertEquals(3, task.examples().size());
    assertEquals("r\ns", task.examples().get(1).fields().get(Example.INPUT));
    Files.writeString(file, "\ufeff{\"question\":\"q\",\"answer\":\"a\"}\r\n");
    assertEquals("q", TaskFile.read(file, null).examples().get(0).fields().get(Example.INPUT));
  }
}
