package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A tab of a {@link Browser}: what it shows, asks for and complains of. */
final class BrowserPage {
  private final Browser browser;
  private final String session;
  private final List<String> complaints = new CopyOnWriteArrayList<>();
  private final List<String> refusals = new CopyOnWriteArrayList<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();

  BrowserPage(Browser browser, String session) {
    this.browser = browser;
    this.session = session;
    browser.listen(session, this::hear);
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", "{}");
    }
  }

  private void hear(String event, JsonObject parameters) {
    switch (event) {
      case "Runtime.exceptionThrown" -> complaints.add(parameters.toString());
      case "Runtime.consoleAPICalled" -> {
        if (parameters.get("type").getAsString().matches("error|warning|assert")) {
          complaints.add(parameters.toString());
        }
      }
      case "Log.entryAdded" -> {
        JsonObject entry = parameters.getAsJsonObject("entry");
        boolean isRefusal = entry.get("source").getAsString().equals("network");
        if (entry.get("level").getAsString().matches("error|warning")) {
          (isRefusal ? refusals : complaints).add(entry.toString());
        }
      }
      case "Network.requestWillBeSent" ->
          requests.add(parameters.getAsJsonObject("request").get("url").getAsString());
      default -> {} // tells nothing of interest
    }
  }

  /** Errors and warnings of the console, but {@link #refusals}. */
  List<String> complaints() {
    return complaints;
  }

  /** Requests that were answered with an error. */
  List<String> refusals() {
    return refusals;
  }

  /** Addresses that were asked for. */
  List<String> requests() {
    return requests;
  }

  /** Calls a method of the protocol, with single quotes in place of double ones. */
  JsonObject call(String method, String parameters) {
    JsonObject parsed = JsonParser.parseString(parameters.replace('\'', '"')).getAsJsonObject();
    return browser.call(session, method, parsed);
  }

  void open(String url) {
    call("Page.navigate", "{'url': '" + url + "'}");
  }

  /** The value of a JavaScript expression; a promise's, when it has one. */
  JsonElement eval(String expression) {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("expression", expression);
    parameters.addProperty("awaitPromise", true);
    parameters.addProperty("returnByValue", true);
    JsonObject result = browser.call(session, "Runtime.evaluate", parameters);
    assertFalse(result.has("exceptionDetails"), expression + ": " + result);
    return result.getAsJsonObject("result").get("value");
  }

  String text(String expression) {
    return eval(expression).getAsString();
  }

  int number(String expression) {
    return eval(expression).getAsInt();
  }

  void await(String what, String expression) {
    Client.await(what, () -> eval("Boolean(" + expression + ")").getAsBoolean());
  }

  void click(String selector) {
    eval("document.querySelector('" + selector + "').click()");
  }

  /** Types into whatever has the focus. */
  void type(String text) {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("text", text);
    browser.call(session, "Input.insertText", parameters);
  }

  /**
   * Presses and releases a key.
   *
   * @param code of Windows, as the protocol has it
   * @param modifiers 8 for shift
   */
  void press(String key, int code, int modifiers) {
    String rest =
        "'key': '%s', 'code': '%s', 'windowsVirtualKeyCode': %d, 'modifiers': %d"
            .formatted(key, key, code, modifiers);
    String text = key.equals("Enter") ? ", 'text': '\\r'" : "";
    call("Input.dispatchKeyEvent", "{'type': 'keyDown', " + rest + text + "}");
    call("Input.dispatchKeyEvent", "{'type': 'keyUp', " + rest + "}");
  }

  void close() {
    call("Page.close", "{}");
  }

  /** What it looks like, as PNG. */
  byte[] picture() {
    String data = call("Page.captureScreenshot", "{'format': 'png'}").get("data").getAsString();
    return Base64.getDecoder().decode(data);
  }
}
