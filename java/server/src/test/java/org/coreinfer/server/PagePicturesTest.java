package org.coreinfer.server;

import java.nio.file.Files;
import java.nio.file.Path;
import org.coreinfer.Calibrations;
import org.coreinfer.Model;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Draws the README's pictures of the page, with the embedded model. */
@EnabledIfSystemProperty(named = "coreinfer.page.pictures", matches = ".+")
class PagePicturesTest {
  private static final String SETTINGS =
      "for (const [id, value] of [['temperature', 0], ['max-tokens', 40], ['seed', 1]])"
          + " document.getElementById(id).value = value;"
          + " document.getElementById('method').value = 'stability';"
          + " document.getElementById('keep').dispatchEvent(new Event('input'))";
  private static final String IDLE = "document.querySelector('#stop').hidden";

  @TempDir private static Path profile;

  @Test
  void draw() throws Exception {
    Path folder = Path.of(System.getProperty("coreinfer.page.pictures"));
    try (Model model = Model.embedded().load();
        Server server = Server.builder(model).calibration(Calibrations.of(null)).start();
        Browser browser = Browser.start(profile)) {
      BrowserPage wide = page(browser, server, "light", 1000, 560, 1);
      tell(wide, true, "Once upon a time there was a little dog who", 1);
      tell(wide, true, " One day a big bird came to the park. The dog wanted to", 2);
      Files.write(folder.resolve("web_light.png"), wide.picture());
      BrowserPage phone = page(browser, server, "dark", 390, 760, 1);
      tell(phone, false, "Lily wanted to see the sea, so", 1);
      tell(phone, false, " On the way her mom bought a red hat. It", 2);
      phone.eval("window.scrollTo(0, document.body.scrollHeight)");
      Files.write(folder.resolve("web_phone.png"), phone.picture());
    }
  }

  private static BrowserPage page(
      Browser browser, Server server, String scheme, int width, int height, int scale) {
    BrowserPage page = browser.newPage();
    page.call(
        "Emulation.setDeviceMetricsOverride",
        "{'width': %d, 'height': %d, 'deviceScaleFactor': %d, 'mobile': false}"
            .formatted(width, height, scale));
    page.call(
        "Emulation.setEmulatedMedia",
        "{'features': [{'name': 'prefers-color-scheme', 'value': '" + scheme + "'}]}");
    page.open(server.url());
    page.await("it is ready", "document.querySelector('#model')?.textContent.includes('×')");
    page.eval(SETTINGS);
    return page;
  }

  private static void tell(BrowserPage page, boolean isCompared, String text, int turn) {
    page.eval("document.querySelector('#both').checked = " + isCompared);
    page.eval("document.querySelector('#prompt').focus()");
    page.type(text);
    page.press("Enter", 13, 0);
    page.await("the answers", IDLE + " && document.querySelectorAll('.turn').length == " + turn);
  }
}
