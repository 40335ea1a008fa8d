package org.coreinfer.cli;

import org.coreinfer.model.MemoryPlan;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Bytes as people write them, such as {@code 7.3G}. */
final class MemorySize implements ITypeConverter<Long> {
  @Override
  public Long convert(String value) {
    try {
      return MemoryPlan.parseSize(value);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
