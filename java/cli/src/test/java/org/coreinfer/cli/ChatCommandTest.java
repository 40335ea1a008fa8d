package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.coreinfer.generation.Cancellation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatCommandTest {
  private static Command.Outcome chat(String turns, String... arguments) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "--chat-template", "plain", "-n", "8", "--context", "256", "--method", "dense"));
    all.addAll(List.of(arguments));
    return Command.runWithInput(
        turns.getBytes(StandardCharsets.UTF_8),
        Command.withModel("chat", all.toArray(String[]::new)));
  }

  @Test
  void aStoryModelSaysThatItIsNotMadeToChat() {
    String sentence = Command.run(Command.withModel("chat")).sentence(1);
    assertTrue(sentence.contains("has no chat template"), sentence);
    assertTrue(sentence.contains("plain"), sentence);
  }

  @Test
  void eachLineOfAPipeIsATurnAndOnlyAnswersGoToStdout() {
    Command.Outcome one = chat("Once upon a time\n").done();
    Command.Outcome two = chat("Once upon a time\n\nOne day\n").done();
    assertEquals("", one.err());
    assertTrue(two.out().startsWith(one.out()), two.out());
    assertTrue(two.out().length() > one.out().length() + 8, two.out());
    assertFalse(two.out().contains("Once upon"), two.out());
  }

  @Test
  void undoAndClearForgetAndRegenAnswersAnew() {
    String once = chat("Once upon a time\n").done().out();
    assertEquals(once + once, chat("Once upon a time\n/undo\nOnce upon a time\n").done().out());
    assertEquals(once + once, chat("Once upon a time\n/clear\nOnce upon a time\n").done().out());
    assertEquals(once + once, chat("Once upon a time\n/regen\n").done().out());
    String drawn = chat("Once upon a time\n/temperature 1.5\n/regen\n").done().out();
    assertFalse(drawn.equals(once + once), drawn);
  }

  @Test
  void linesJoinToOneTurn() {
    String joined = chat("\"\"\"\nOnce upon a time\nthere was\n\"\"\"\n").done().out();
    assertEquals(joined, chat("Once upon a time\\\nthere was\n").done().out());
    assertEquals("", chat("//x\n").done().err());
  }

  @Test
  void savedConversationsGoOn(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("c.json");
    String both = chat("Once upon a time\n/save " + file + "\nOne day\n").done().out();
    assertTrue(Files.readString(file).contains("\"content\": \"Once upon a time\""));
    String second = chat("One day\n", "--load", file.toString()).done().out();
    assertTrue(both.endsWith(second), both);
    assertEquals(second, chat("/load " + file + "\nOne day\n").done().out());
  }

  @Test
  void neuronsCanBeChangedOnTheWay() {
    Command.Outcome outcome =
        chat("Once upon a time\n/keep 0.3\nOne day\n/method dense\n/keep\n/stats\n/help\n").done();
    assertTrue(outcome.err().contains("method stability, keep 0.300"), outcome.err());
    assertTrue(outcome.err().contains("every neuron is computed"), outcome.err());
    assertTrue(outcome.err().contains("answers: 2; "), outcome.err());
    assertTrue(outcome.err().contains("/undo"), outcome.err());
    assertEquals(2, outcome.out().lines().filter(line -> !line.isBlank()).count(), outcome.out());
  }

  @Test
  void whatAPipeGetsWrongEndsItWithASentence() {
    for (String turn :
        List.of(
            "/nothing", "/keep 7", "/temperature x", "/load /no/such/file", "word ".repeat(400))) {
      Command.Outcome outcome = chat(turn + "\n");
      assertEquals(1, outcome.code(), turn);
      assertEquals(1, outcome.err().lines().count(), outcome.err());
      assertTrue(outcome.err().startsWith("coreinfer: "), outcome.err());
    }
  }

  @Test
  void exitEndsTheConversation() {
    assertEquals("", chat("/exit\nOnce upon a time\n").done().out());
  }

  @Test
  void theSystemPromptStandsFirst() {
    String with = chat("there was\n", "--system", "Once upon a time").done().out();
    assertEquals(with, chat("/system Once upon a time\nthere was\n").done().out());
    assertFalse(with.equals(chat("there was\n").done().out()));
    assertEquals(2, chat("", "--system", "a", "--load", "b").code());
  }

  @Test
  void ctrlCEndsTheProcessOfAPipe() {
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();
    Command.Outcome outcome =
        Command.run(
            "Once upon a time\n".getBytes(StandardCharsets.UTF_8),
            false,
            new ByteArrayOutputStream(),
            cancellation,
            Command.withModel("chat", "--chat-template", "plain"));
    assertEquals(130, outcome.code());
  }

  @Test
  void wrongOptionsAreUsageErrors() {
    assertEquals(2, chat("", "--temperature", "-1").code());
    String sentence =
        Command.run(Command.withModel("chat", "--chat-template", "no-such")).sentence(2);
    assertTrue(sentence.contains("neither a file nor one of alpaca"), sentence);
  }

  @Test
  void theHistoryLiesInTheFolderForStates(@TempDir Path folder) throws Exception {
    assertEquals(
        folder.resolve("coreinfer/chat_history"),
        TerminalInput.historyFile(Map.of("XDG_STATE_HOME", folder.toString())));
    assertTrue(Files.isDirectory(folder.resolve("coreinfer")));
  }
}
