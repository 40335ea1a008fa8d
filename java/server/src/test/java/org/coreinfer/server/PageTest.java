package org.coreinfer.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.coreinfer.Calibrations;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The page, in a real browser; skipped where there is no Chromium. */
@ExtendWith(Served.class)
@Timeout(60)
class PageTest {
  private static final String STORY = "Once upon a time there was a little dog";
  private static final String REQUEST =
      "{'prompt': '" + STORY + "', 'max_tokens': %d, 'temperature': 0, 'coreinfer': {%s}}";
  private static final String LAST = "[...document.querySelectorAll('.answer')].at(-1)";
  private static final String IDLE = "document.querySelector('#stop').hidden";

  @TempDir private static Path profile;

  private static Browser browser;
  private static Server server;

  private BrowserPage page;

  @BeforeAll
  static void start() throws Exception {
    browser = Browser.start(profile);
    server = Server.builder(Served.model()).calibration(Calibrations.of(null)).start();
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.close();
      server.close();
    }
  }

  @BeforeEach
  void open() {
    page = browser.newPage();
    page.open(server.url());
    page.await("the model is named", "document.querySelector('#model')?.textContent.includes('×')");
  }

  @AfterEach
  void nothingWasComplainedOfAndNobodyElseAsked() {
    assertEquals(List.of(), page.complaints());
    for (String url : page.requests()) {
      assertTrue(url.startsWith("http://127.0.0.1:") || url.equals("about:blank"), url);
    }
    page.close();
  }

  private void set(String id, String value) {
    page.eval("document.getElementById('" + id + "').value = '" + value + "'");
  }

  private void greedy(int tokens) {
    set("temperature", "0");
    set("max-tokens", Integer.toString(tokens));
  }

  private void send(String text) {
    page.eval("document.querySelector('#prompt').focus()");
    page.type(text);
    page.press("Enter", 13, 0);
  }

  /** The text in the last turn's answer of a column. */
  private String answer(String column) {
    return page.text(
        "[...document.querySelectorAll('[data-column=" + column + "] .text')].at(-1).textContent");
  }

  private static JsonObject asked(int tokens, String core) {
    return new Client(server).ask("/v1/completions", REQUEST.formatted(tokens, core)).json();
  }

  private static String textOf(JsonObject reply) {
    return reply.getAsJsonArray("choices").get(0).getAsJsonObject().get("text").getAsString();
  }

  @Test
  void aStoryStreamsAndItsNeuronsArePainted() {
    greedy(120);
    page.eval(
        "window.steps = new Set(); new MutationObserver(() => steps.add("
            + LAST
            + "?.querySelector('.text').textContent.length)).observe("
            + "document.querySelector('#conversation'), {subtree: true, childList: true})");
    send(STORY);
    page.await("it has ended", IDLE + " && " + LAST + "?.textContent.includes('per token')");
    assertTrue(page.number("steps.size") > 3, () -> page.text("[...steps].join()"));
    JsonObject reply = asked(120, "");
    assertEquals(textOf(reply).stripLeading(), answer("core"));
    JsonArray counts =
        reply
            .getAsJsonObject("usage")
            .getAsJsonObject("coreinfer")
            .getAsJsonArray("neurons_per_layer");
    assertEquals(counts.size(), page.number("document.querySelectorAll('canvas').length"));
    for (int layer = 0; layer < counts.size(); layer++) {
      String row = "document.querySelectorAll('#layers tr')[" + layer + "]";
      assertEquals(
          counts.get(layer).getAsInt(), page.number("parseInt(" + row + ".cells[2].textContent)"));
      assertTrue(colours(layer) >= 2, "layer " + layer);
      assertEquals("–", page.text(row + ".cells[3].textContent"));
    }
    send(" The bird and the cat went home in a big red car.");
    page.await(
        "the turns are compared",
        IDLE + " && document.querySelector('#layers td:last-child').textContent.includes('%')");
    int most = IntStream.range(0, counts.size()).map(this::colours).max().orElseThrow();
    assertTrue(most >= 4, "as before, new, dropped, and none: " + most);
    page.click("#fresh");
    assertEquals(0, page.number("document.querySelectorAll('.turn, canvas').length"));
  }

  /** How many different pixels a layer's strip has. */
  private int colours(int layer) {
    return page.number(
        "(() => {const c = document.querySelectorAll('canvas')["
            + layer
            + "]; const copy = new OffscreenCanvas(c.width, c.height).getContext('2d',"
            + " {willReadFrequently: true}); copy.drawImage(c, 0, 0); return new Set("
            + "new Uint32Array(copy.getImageData(0, 0, c.width, c.height).data.buffer)).size})()");
  }

  @Test
  void escapeAndTheButtonStopAnAnswer() {
    greedy(230);
    for (String stop :
        List.of(
            "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))",
            "document.querySelector('#stop').click()")) {
      page.eval(
          "new MutationObserver((_, all) => {if ("
              + LAST
              + "?.querySelector('.facts').textContent.startsWith('first')) {all.disconnect(); "
              + stop
              + "}}).observe(document.querySelector('#conversation'), {subtree: true, childList: true})");
      send("One day");
      page.await(
          "it was stopped", IDLE + " && " + LAST + "?.textContent.includes('stopped after')");
      Client client = new Client(server);
      Client.await("the slot is free", () -> client.metric("coreinfer_running") == 0);
      assertFalse(answer("core").isEmpty());
      page.click("#fresh");
    }
    assertEquals(List.of(), page.refusals());
  }

  @Test
  void denseAndCoreStandSideBySide() {
    greedy(60);
    page.eval("document.querySelector('#keep').focus()");
    page.press("ArrowLeft", 37, 0);
    page.press("ArrowLeft", 37, 0);
    assertEquals("30 %", page.text("document.querySelector('#keep-value').textContent"));
    page.click("#both");
    send(STORY);
    page.await("both have ended", IDLE + " && document.querySelectorAll('.facts').length == 2");
    String dense = textOf(asked(60, "'method': 'dense'"));
    String core = textOf(asked(60, "'keep': 0.3"));
    assertEquals(dense.stripLeading(), answer("dense"));
    assertEquals(core.stripLeading(), answer("core"));
    assertNotEquals(dense, core);
    assertTrue(page.number("document.querySelectorAll('mark').length") > 0);
    String heads =
        page.text("[...document.querySelectorAll('h3')].map(each => each.textContent).join()");
    assertEquals("core · 30 % of neurons,dense · 100 % of neurons", heads);
    page.eval("document.querySelector('#at-once').checked = true");
    send("");
    page.await("both went on", IDLE + " && document.querySelectorAll('.facts').length == 4");
    assertFalse(answer("dense").isEmpty() || answer("core").isEmpty());
    assertEquals(List.of(), page.refusals());
  }

  @Test
  void whatTheServerRefusesIsASentence() {
    send("dog ".repeat(400));
    page.await("it says why", "document.querySelector('[role=alert].error:not(#key-error)')");
    String said = page.text(LAST + ".querySelector('.error').textContent");
    assertTrue(said.contains("the context has only 256"), said);
    page.await("what was typed is there again", "document.querySelector('#prompt').value");
    set("prompt", "");
    set("max-tokens", "5");
    send("A dog");
    page.await(
        "the next one is answered", IDLE + " && " + LAST + ".textContent.includes('written')");
    assertEquals(1, page.refusals().size());
  }

  @Test
  void aChatWantsItsKeyAndShowsTextAsText() {
    try (Server guarded = Served.start(builder -> builder.apiKey("sesame"))) {
      page.open(guarded.url());
      page.await("it asks for a key", "document.querySelector('#key-form')?.hidden === false");
      for (String key : List.of("mellon", "sesame")) {
        page.eval("document.querySelector('#key').focus()");
        page.type(key);
        page.press("Enter", 13, 0);
        page.await(
            key,
            key.equals("sesame")
                ? "document.querySelector('#key-form').hidden"
                : "document.querySelector('#key-error').textContent.includes('wrong')");
      }
      greedy(40);
      page.eval("document.querySelector('#prompt').focus()");
      page.type("Hello <b>you</b>");
      page.press("Enter", 13, 8);
      assertEquals(0, page.number("document.querySelectorAll('.turn').length"), "a new line only");
      page.press("Enter", 13, 0);
      page.await("it is answered", IDLE + " && " + LAST + "?.textContent.includes('written')");
      assertEquals(
          "Hello <b>you</b>",
          page.text(
              "document.querySelector('.user').innerHTML"
                  + ".replaceAll('&lt;', '<').replaceAll('&gt;', '>')"));
      assertEquals(0, page.number("document.querySelectorAll('.turn b').length"));
    }
    assertEquals(2, page.refusals().size(), page.refusals().toString());
  }

  @Test
  void markdownBecomesElementsAndNothingElseDoes() {
    String html =
        page.text(
            "import('/markdown.js').then(m => {const d = document.createElement('div');"
                + "d.append(m.render('# A\\n<img src=x onerror=alert(1)> **b** `c<d`\\n* e\\n* *f*\\n"
                + "\\n3. g\\n```js\\n<script>\\n```\\n[h](javascript:i) **<i>j</i>** x_y_z'));"
                + "return d.innerHTML})");
    assertEquals(
        "<h4>A</h4><p>&lt;img src=x onerror=alert(1)&gt; <strong>b</strong> <code>c&lt;d</code></p>"
            + "<ul><li>e</li><li><em>f</em></li></ul><ol start=\"3\"><li>g</li></ol>"
            + "<pre><code>&lt;script&gt;</code></pre>"
            + "<p>[h](javascript:i) <strong>&lt;i&gt;j&lt;/i&gt;</strong> x_y_z</p>",
        html);
  }

  @Test
  void wordsDifferWhereTheOtherTextLacksThem() {
    String compare =
        "import('/words.js').then(m => m.compare('a big  dog ran', 'a dog ran away', WHOLE)"
            + ".map(p => p.map(w => w.differs ? `[${w.text}]` : w.text).join('')).join('|'))";
    assertEquals("a[ big]  dog ran|a dog ran[ away]", page.text(compare.replace("WHOLE", "true")));
    String lead =
        "import('/words.js').then(m => m.compare('a dog', 'a dog ran', false)"
            + ".flat().filter(w => w.differs).length)";
    assertEquals(0, page.number(lead));
  }
}
