package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.coreinfer.Model;
import org.coreinfer.Session;
import org.coreinfer.core.CoreOptions;
import org.coreinfer.evaluation.Evaluator;
import org.coreinfer.generation.GenerationRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The requests that lm-evaluation-harness's local-completions sends, and how it reads answers. */
@ExtendWith(Served.class)
@Timeout(60)
class LmEvaluationTest {
  private static final List<String> CONTEXTS =
      List.of("Once upon a time there was", "The dog", "Lily and Tom went to the");
  private static final List<String> CONTINUATIONS = List.of(" a little girl.", " ran fast", " park");

  private static Server server;
  private static Client client;

  @BeforeAll
  static void start() {
    server = Served.start();
    client = new Client(server);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** What it finds in an answer for a continuation: {@code logprobs[context:-1]}. */
  private record Score(double logprob, boolean isGreedy) {
    static Score of(JsonObject choice, int context) {
      JsonObject logprobs = choice.getAsJsonObject("logprobs");
      List<Double> values = Client.numbers(logprobs.getAsJsonArray("token_logprobs"));
      JsonArray tops = logprobs.getAsJsonArray("top_logprobs");
      double sum = 0;
      boolean isGreedy = true;
      for (int i = context; i < values.size() - 1; i++) {
        sum += values.get(i);
        double top =
            tops.get(i).getAsJsonObject().asMap().values().stream()
                .mapToDouble(JsonElement::getAsDouble)
                .max()
                .orElseThrow();
        isGreedy &= values.get(i) == top;
      }
      return new Score(sum, isGreedy);
    }
  }

  private static String model() {
    return Served.model().name();
  }

  /** As its tokenizer backend that asks the server for everything. */
  private static int[] encode(String text) {
    JsonArray tokens =
        client
            .ask("/tokenize", "{'prompt': '%s', 'add_special_tokens': false}".formatted(text))
            .json()
            .getAsJsonArray("tokens");
    return IntStream.range(0, tokens.size()).map(i -> tokens.get(i).getAsInt()).toArray();
  }

  private static int[] joined(int i) {
    return IntStream.concat(
            Arrays.stream(encode(CONTEXTS.get(i))), Arrays.stream(encode(CONTINUATIONS.get(i))))
        .toArray();
  }

  private static JsonArray loglikelihood(String prompts) {
    return client
        .ask(
            "/v1/completions",
            "{'model': '%s', 'prompt': %s, 'temperature': 0, 'max_tokens': 1, 'logprobs': 1, 'seed': 1234, 'echo': true}"
                .formatted(model(), prompts))
        .json()
        .getAsJsonArray("choices");
  }

  /** The sum of log probabilities that {@code coreinfer eval} finds. */
  private static double evaluated(int[] ids, int context) {
    Model model = Served.model();
    Evaluator evaluator =
        new Evaluator(model.decoder(), List.of(CoreOptions.dense()), model.cacheDtype());
    evaluator.add(ids, context, fraction -> {});
    return -evaluator.result().dense().nll().value() * (ids.length - context);
  }

  @Test
  void sumsOfLogProbabilitiesAreThoseOfEval() {
    String prompts =
        IntStream.range(0, CONTEXTS.size())
            .mapToObj(i -> Arrays.toString(joined(i)))
            .collect(Collectors.joining(", ", "[", "]"));
    JsonArray choices = loglikelihood(prompts);
    for (int i = 0; i < CONTEXTS.size(); i++) {
      JsonObject choice = choices.get(i).getAsJsonObject();
      assertEquals(i, choice.get("index").getAsInt());
      int[] ids = joined(i);
      assertEquals(
          ids.length + 1,
          choice.getAsJsonObject("logprobs").getAsJsonArray("token_logprobs").size());
      int context = encode(CONTEXTS.get(i)).length;
      assertEquals(evaluated(ids, context), Score.of(choice, context).logprob(), 1e-4);
    }
  }

  @Test
  void oneRequestAtATimeScoresTheSame() {
    for (int i = 0; i < CONTEXTS.size(); i++) {
      int context = encode(CONTEXTS.get(i)).length;
      JsonObject choice =
          loglikelihood("[" + Arrays.toString(joined(i)) + "]").get(0).getAsJsonObject();
      assertEquals(evaluated(joined(i), context), Score.of(choice, context).logprob(), 1e-4);
    }
  }

  @Test
  void whatTheModelWouldSayIsGreedyAndElseNot() {
    int[] context = encode(CONTEXTS.get(0));
    List<Integer> prompt = IntStream.of(context).boxed().toList();
    List<Integer> answer;
    try (Session session = Served.model().newSession(CoreOptions.dense())) {
      answer =
          session.generate(GenerationRequest.ofTokens(prompt).maxTokens(4).build()).tokens();
    }
    List<Integer> said = Stream.concat(prompt.stream(), answer.stream()).toList();
    JsonArray choices = loglikelihood("[%s, %s]".formatted(said, Arrays.toString(joined(1))));
    assertTrue(Score.of(choices.get(0).getAsJsonObject(), context.length).isGreedy());
    int other = encode(CONTEXTS.get(1)).length;
    assertFalse(Score.of(choices.get(1).getAsJsonObject(), other).isGreedy());
  }

  /** A rolling likelihood begins with one prefix token, and a text may end with an end token. */
  @Test
  void thereIsAlwaysOneTokenMoreThanWasSent() {
    JsonObject info = client.get("/tokenizer_info").json();
    int end = encode(info.get("eos_token").getAsString())[0];
    for (int[] ids : new int[][] {{end}, {end, end}, {encode("The")[0], end}}) {
      JsonObject choice =
          loglikelihood("[" + Arrays.toString(ids) + "]").get(0).getAsJsonObject();
      assertEquals(
          ids.length + 1,
          choice.getAsJsonObject("logprobs").getAsJsonArray("token_logprobs").size());
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void generationStopsWhereATaskSays(boolean isTokenized) {
    String prompts =
        CONTEXTS.stream()
            .map(text -> isTokenized ? Arrays.toString(encode(text)) : "'" + text + "'")
            .collect(Collectors.joining(", ", "[", "]"));
    JsonArray choices =
        client
            .ask(
                "/v1/completions",
                "{'prompt': %s, 'model': '%s', 'max_tokens': 24, 'temperature': 0, 'stop': ['.', '</s>'], 'seed': 1234}"
                    .formatted(prompts, model()))
            .json()
            .getAsJsonArray("choices");
    assertEquals(CONTEXTS.size(), choices.size());
    for (JsonElement choice : choices) {
      assertFalse(choice.getAsJsonObject().get("text").getAsString().contains("."));
    }
  }

  @Test
  void theServerIsTheTokenizer() {
    JsonObject info = client.get("/tokenizer_info").json();
    assertTrue(info.has("bos_token") && info.has("pad_token") && info.has("chat_template"));
    for (String text : CONTEXTS) {
      assertEquals(
          text,
          client
              .ask("/detokenize", "{'tokens': %s}".formatted(Arrays.toString(encode(text))))
              .json()
              .get("prompt")
              .getAsString());
    }
    assertEquals(1, encode(info.get("eos_token").getAsString()).length);
  }
}
