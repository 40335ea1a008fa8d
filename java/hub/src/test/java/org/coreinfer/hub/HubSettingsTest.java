package org.coreinfer.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HubSettingsTest {
  @TempDir private Path home;

  @Test
  void withoutAnEnvironmentThereAreDefaults() {
    HubSettings settings = HubSettings.of(Map.of(), home);
    assertEquals(URI.create("https://huggingface.co"), settings.endpoint());
    assertNull(settings.token());
    assertEquals(home.resolve(".cache/huggingface/coreinfer"), settings.folder());
  }

  @Test
  void theEnvironmentOfHuggingFaceCounts() throws IOException {
    Files.writeString(home.resolve("token"), "hf_saved\n");
    HubSettings settings =
        HubSettings.of(
            Map.of("HF_HOME", home.toString(), "HF_ENDPOINT", "http://mirror:8080/hf/"), home);
    assertEquals(URI.create("http://mirror:8080/hf"), settings.endpoint());
    assertEquals("hf_saved", settings.token());
    assertEquals(home.resolve("coreinfer"), settings.folder());
    HubSettings other =
        HubSettings.of(Map.of("HF_HOME", home.toString(), "HF_TOKEN", "hf_own"), home);
    assertEquals("hf_own", other.token());
    assertFalse(other.toString().contains("hf_own"));
  }

  @Test
  void brokenSettingsAreNamed() {
    for (String endpoint : new String[] {"huggingface.co", "ftp://x", "http://", "a b"}) {
      assertThrows(HubException.class, () -> HubSettings.of(Map.of("HF_ENDPOINT", endpoint), home));
    }
    assertThrows(HubException.class, () -> HubSettings.of(Map.of("HF_TOKEN", "a\nb"), home));
  }
}
