package org.coreinfer.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Bytes as people write them: {@code 7.3G}, {@code 800M}, {@code 512 MiB}; units are binary. */
final class MemorySize implements ITypeConverter<Long> {
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?) ?([KMGT]?)(?:I?B)?");
  private static final String UNITS = "KMGT";

  @Override
  public Long convert(String value) {
    Matcher matcher = SIZE.matcher(value.strip().toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new TypeConversionException("expected a size such as 7.3G or 800M, found '" + value + "'");
    }
    int power = UNITS.indexOf(matcher.group(2)) + 1;
    long unit = matcher.group(2).isEmpty() ? 1 : 1L << (10 * power);
    long bytes = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit)).longValue();
    if (bytes < 1) {
      throw new TypeConversionException("expected a size above 0, found '" + value + "'");
    }
    return bytes;
  }
}
