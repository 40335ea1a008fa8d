package org.coreinfer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class MemorySizeTest {
  private final MemorySize size = new MemorySize();

  @ParameterizedTest
  @CsvSource({
    "1,1",
    "800M,838860800",
    "7.3G,7838315315",
    "512 MiB,536870912",
    "2gb,2147483648",
    "1.5k,1536",
    "1T,1099511627776"
  })
  void readsSizesAsPeopleWriteThem(String text, long bytes) {
    assertEquals(bytes, size.convert(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "G", "0", "0.0001K", "-1", "1e9", "1..2G", "7,3G", "9999999999G"})
  void refusesWhatIsNoSize(String text) {
    assertThrows(TypeConversionException.class, () -> size.convert(text));
  }
}
