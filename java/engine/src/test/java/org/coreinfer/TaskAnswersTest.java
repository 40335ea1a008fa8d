package org.coreinfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.coreinfer.backend.TestBackend;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.evaluation.task.TaskEvaluator;
import org.coreinfer.evaluation.task.TaskFile;
import org.coreinfer.evaluation.task.TaskSettings;
import org.coreinfer.generation.GenerationRequest;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One sequence that reads each prompt once answers as two new sessions do. */
@Timeout(60)
class TaskAnswersTest {
  private static final CoreOptions CORE = CoreOptions.stability(0.3);
  private static final int MAX_TOKENS = 16;

  private static final String STORIES =
      """
      {"prompt": "Once upon a time, there was a little", "reference": "girl who had a cat."}
      {"prompt": "Tom and Lily went to the park. They", "reference": "played with a ball."}
      {"prompt": "One day, mom said", "reference": "it was time to go home."}
      """;

  /** Of the small model each letter is a token. */
  private static final String LETTERS =
      """
      {"prompt": "Once upon", "reference": "a cat"}
      {"prompt": "Tom, Lily", "reference": "and"}
      {"prompt": "Mom said", "reference": "home."}
      """;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @ParameterizedTest
  @EnumSource(names = {"CPU", "SIMULATED_CUDA", "CUDA"})
  void bothAnswersAreThoseOfSessions(TestBackend where) throws IOException {
    Path file = folder.resolve("stories.jsonl");
    Files.writeString(file, where.isSimulated() ? LETTERS : STORIES);
    List<TaskEvaluator.Answered> answers = new ArrayList<>();
    try (Model model = TestModels.quick(where, folder).threads(2).load()) {
      try (TaskEvaluator evaluator =
          new TaskEvaluator(
              model.decoder(),
              model.tokenizer(),
              CORE,
              model.contextLength(),
              model.cacheDtype())) {
        TaskSettings settings = new TaskSettings(1, 9, 5, MAX_TOKENS);
        evaluator.evaluate(TaskFile.read(file, null), settings, answers::add, fraction -> {});
      }
      for (TaskEvaluator.Answered answered : answers) {
        String prompt = answered.prompt();
        assertEquals(session(model, CoreOptions.dense(), prompt), answered.dense());
        assertEquals(session(model, CORE, prompt), answered.core());
      }
    }
    assertEquals(3, answers.size());
    assertTrue(
        answers.stream().anyMatch(answered -> !answered.dense().equals(answered.core())),
        "core neurons changed nothing: " + answers);
  }

  private static String session(Model model, CoreOptions options, String prompt) {
    try (Session session = model.newSession(options)) {
      return session
          .generate(
              GenerationRequest.of(prompt)
                  .parseSpecial(false)
                  .maxTokens(MAX_TOKENS)
                  .stop("\n")
                  .build())
          .text();
    }
  }
}
