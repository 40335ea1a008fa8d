package org.coreinfer.server;

import java.util.List;
import org.coreinfer.serving.Scheduler;
import org.coreinfer.serving.ServingRequest;

/** What completions and chat completions have in common: several answers, whole or streamed. */
final class Choices {
  private Choices() {}

  /** Makes the form in which a request's answers are written. */
  @FunctionalInterface
  interface FormMaker {
    AnswerForm make(boolean isStream, boolean withUsage);
  }

  /**
   * How many answers each prompt gets.
   *
   * @throws ApiException if all prompts together get more than the server's limit
   */
  static int count(Fields fields, int prompts, Limits limits) {
    int choices = fields.integer("n", 1, limits.prompts(), 1);
    if ((long) choices * prompts > limits.prompts()) {
      throw ApiException.invalid(
          "n",
          "n=%d for %d prompts: at most %d answers are given at once"
              .formatted(choices, prompts, limits.prompts()));
    }
    return choices;
  }

  /** Answers as the request's {@code stream} says. */
  static void answer(
      Call call, Scheduler scheduler, List<ServingRequest> requests, FormMaker forms) {
    Fields fields = call.fields();
    boolean isStream = fields.bool("stream", false);
    boolean withUsage =
        fields.has("stream_options")
            && fields.object("stream_options").bool("include_usage", false);
    AnswerForm form = forms.make(isStream, withUsage);
    try (Answers answers = new Answers(scheduler, requests, call.limits().slots())) {
      if (isStream) {
        AnswerSender.stream(call, answers, form);
      } else {
        AnswerSender.whole(call, answers, form);
      }
    }
  }
}
