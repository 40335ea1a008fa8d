package org.coreinfer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryPlanTest {
  @ParameterizedTest
  @CsvSource({"-1,true", "1160,true", "1159,false", "0,false"})
  void theFileStaysInMemoryBesideWhatIsAllocated(long available, boolean stays) {
    MemoryPlan plan = new MemoryPlan("a model", 1000, 100, 50, 10, available, 64);
    assertEquals(stays, plan.keepsFile());
  }
}
