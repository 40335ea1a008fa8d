package org.coreinfer.server;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/** Text in a URL's path. */
final class UrlText {
  private UrlText() {}

  /**
   * The text that percent signs spell.
   *
   * @throws ApiException if they spell none
   */
  static String decode(String raw) {
    try {
      return URLDecoder.decode(raw.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(null, "the URL has a percent sign that spells no character");
    }
  }
}
