package org.coreinfer.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.generation.GenerationRequest;
import org.coreinfer.generation.GenerationResult;
import org.junit.jupiter.api.Test;

class SchedulerTest {
  @Test
  void answersAreThoseOfSessions() throws Exception {
    List<String> prompts = List.of("Once upon a time", "The dog", "Lily went to", "One day");
    try (Model model = Model.embedded().contextLength(256).threads(2).load();
        Scheduler scheduler = Scheduler.builder(model).slots(3).build()) {
      List<CompletableFuture<GenerationResult>> answers = new ArrayList<>();
      for (String prompt : prompts) {
        GenerationRequest request = GenerationRequest.of(prompt).maxTokens(20).build();
        CompletableFuture<GenerationResult> answer = new CompletableFuture<>();
        answers.add(answer);
        scheduler.submit(
            ServingRequest.of(request).core(CoreOptions.stability(0.4)).build(),
            new AnswerListener() {
              @Override
              public void onToken(ServedToken token) {}

              @Override
              public void onEnd(GenerationResult result) {
                answer.complete(result);
              }

              @Override
              public void onFailure(RuntimeException failure) {
                answer.completeExceptionally(failure);
              }
            });
      }
      for (int i = 0; i < prompts.size(); i++) {
        try (Session session = model.newSession(CoreOptions.stability(0.4))) {
          GenerationRequest request = GenerationRequest.of(prompts.get(i)).maxTokens(20).build();
          assertEquals(
              session.generate(request).tokens(),
              answers.get(i).get(20, TimeUnit.SECONDS).tokens());
        }
      }
    }
  }
}
