package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad requests are normal: each gets one sentence that says what is wrong, and where. */
@ExtendWith(Served.class)
@Timeout(60)
class ErrorsTest {
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

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'max_tokens': 'many' | max_tokens | a whole number, found a string",
        "'max_tokens': 1.5 | max_tokens | a whole number",
        "'max_tokens': -1 | max_tokens | 0 or more",
        "'max_tokens': true | max_tokens | found true or false",
        "'temperature': -1 | temperature | 0 to 100",
        "'temperature': [1] | temperature | a number, found a list",
        "'temperature': 1e999 | temperature | 0 to 100",
        "'top_p': 0 | top_p | above 0, at most 1",
        "'top_k': -2 | top_k | -1 to",
        "'min_p': 1 | min_p | below 1",
        "'repeat_penalty': 0 | repeat_penalty | 1 for none",
        "'seed': 1e30 | seed | a whole number",
        "'n': 0 | n | 1 to 128",
        "'n': 129 | n | 1 to 128",
        "'best_of': 2 | best_of | not done here",
        "'suffix': 'x' | suffix | not done here",
        "'frequency_penalty': 2.5 | frequency_penalty | -2 to 2",
        "'presence_penalty': 'x' | presence_penalty | a number, found a string",
        "'logit_bias': [1] | logit_bias | an object, found a list",
        "'logit_bias': {'x': 1} | logit_bias | is no token id",
        "'logit_bias': {'5': 101} | logit_bias | -100 to 100",
        "'logit_bias': {'5': 'a'} | logit_bias | a number of -100 to 100",
        "'logit_bias': {'99999999': 1} | logit_bias | outside of the vocabulary",
        "'grammar': 5 | grammar | a string, found a number",
        "'grammar': 'root ::= [a' | grammar | grammar, line 1, column 10: a class without its ]",
        "'grammar': 'root ::= [a]', 'ignore_eos': true | ignore_eos | ends where it is complete",
        "'logprobs': 1000 | logprobs | 0 to 100",
        "'logprobs': true | logprobs | a whole number",
        "'echo': 1 | echo | true or false, found a number",
        "'stream': 'yes' | stream | true or false",
        "'stream_options': [] | stream_options | an object, found a list",
        "'stop': '' | stop | 1 to 1000 characters",
        "'stop': [1] | stop[0] | a string, found a number",
        "'stop': {'a': 1} | stop | a list, found an object",
        "'model': 'gpt-4' | model | this server has embedded",
        "'model': 7 | model | a string",
        "'coreinfer': 5 | coreinfer | an object",
        "'coreinfer': {'keep': 0} | coreinfer | coreinfer.keep=0.0: expected above 0",
        "'coreinfer': {'keep': 0.5, 'max_kl': 1} | coreinfer | coreinfer.max_kl, not both",
        "'coreinfer': {'alpha': 2} | coreinfer | coreinfer.alpha=2.0",
        "'coreinfer': {'rule': 'best'} | coreinfer | unknown rule",
        "'coreinfer': {'method': 'guess'} | coreinfer.method | auto, similarity, stability or dense",
        "'coreinfer': {'layers': '3..1'} | coreinfer.layers | FIRST..LAST",
        "'coreinfer': {'layers': '0..99'} | coreinfer | the model has layers 0..",
        "'coreinfer': {'refresh': -1} | coreinfer.refresh | 0 to",
        "'coreinfer': {'refresh': 'often'} | coreinfer.refresh | a number of tokens",
        "'coreinfer': {'lossless': true, 'refresh': 4} | coreinfer | leave refresh out",
        "'coreinfer': {'lossless': true, 'method': 'dense'} | coreinfer | drafts with core neurons",
        "'coreinfer': {'lossless': 1} | coreinfer.lossless | true or false",
      })
  void aBadFieldIsNamed(String field, String param, String part) {
    JsonObject error =
        client
            .ask("/v1/completions", "{'prompt': 'Once', " + field + "}")
            .error(param.equals("model") && field.contains("gpt") ? 404 : 400);
    assertEquals(param, error.get("param").getAsString());
    assertTrue(error.get("message").getAsString().contains(part), error.toString());
    assertEquals("invalid_request_error", error.get("type").getAsString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | prompt: is missing",
        "{'prompt': null} | prompt: is missing",
        "{'prompt': 5} | expected a string, found a number",
        "{'prompt': {}} | expected a string, found an object",
        "{'prompt': []} | the list is empty",
        "{'prompt': [[]]} | prompt[0]: is empty",
        "{'prompt': ['a', 5]} | prompt[1]: expected a string",
        "{'prompt': [1, 'a']} | prompt[1]: expected a whole number",
        "{'prompt': [1.5]} | expected a whole number",
        "{'prompt': [-1]} | the vocabulary has the ids 0 to",
        "{'prompt': [99999999]} | the vocabulary has the ids 0 to",
        "[] | not valid JSON",
        "'x' | not valid JSON",
        "{ | not valid JSON",
        "{'prompt': 'a'} x | not valid JSON",
        "{'prompt': 'a', 'prompt': 'b'} | appears twice",
        "{'prompt': 'a', 'pr\\u006fmpt': 'b'} | appears twice",
        "{prompt: 'a'} | not valid JSON",
        "{'prompt': NaN} | not valid JSON",
      })
  void aBadBodyIsOneSentence(String body, String part) {
    JsonObject error = client.ask("/v1/completions", body).error(400);
    assertTrue(error.get("message").getAsString().contains(part), error.toString());
  }

  @Test
  void anEmptyBodyIsNoJson() {
    JsonObject error = client.post("/v1/completions", "").error(400);
    assertTrue(error.get("message").getAsString().contains("not valid JSON"), error.toString());
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() throws Exception {
    byte[] body = "{\"prompt\": \"caf\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1);
    var request =
        client
            .request("/v1/completions")
            .POST(java.net.http.HttpRequest.BodyPublishers.ofByteArray(body));
    assertTrue(
        Client.send(request).error(400).get("message").getAsString().contains("not valid JSON"));
  }

  @Test
  void aPromptLongerThanTheContextIsRefused() {
    String prompt = "a cat and ".repeat(Served.CONTEXT);
    JsonObject error =
        client.post("/v1/completions", "{\"prompt\": \"" + prompt + "\"}").error(400);
    assertEquals("context_length_exceeded", error.get("code").getAsString());
    String inList = "{\"prompt\": [\"a\", \"" + prompt + "\"]}";
    assertTrue(
        client.post("/v1/completions", inList).error(400).toString().contains("prompt[1]: has"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | /v1/completions | 405",
        "DELETE | /v1/models | 405",
        "POST | /health | 405",
        "PUT | /v1/chat/completions | 405",
        "GET | /v1/none | 404",
        "POST | /v1/none | 404",
        "GET | /v1/models/gpt-4 | 404",
        "GET | /v1/models/%ZZ | 400",
        "POST | / | 404",
      })
  void whatIsNotThereIsSaid(String method, String path, int status) throws Exception {
    String reply =
        client.raw(
            "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .formatted(method, path));
    assertTrue(reply.startsWith("HTTP/1.1 " + status), reply);
    if (path.contains("ZZ")) { // the JDK's server refuses such URLs itself
      return;
    }
    assertTrue(reply.contains("\"error\":{\"message\""), reply);
    assertEquals(status == 405, reply.toLowerCase(java.util.Locale.ROOT).contains("allow: "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/health", "/v1/models", "/", "/metrics"})
  void headHasTheLengthAndNoBody(String path) throws Exception {
    String reply =
        client.raw("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assertTrue(reply.startsWith("HTTP/1.1 200"), reply);
    assertTrue(reply.matches("(?is).*content-length: [1-9]\\d*\r\n.*"), reply);
    assertTrue(reply.endsWith("\r\n\r\n"), reply);
  }

  @Test
  void optionsNamesTheMethods() throws Exception {
    String reply =
        client.raw("OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assertTrue(reply.startsWith("HTTP/1.1 204"), reply);
    assertTrue(reply.contains("Allow: HEAD, GET, OPTIONS"), reply);
  }
}
