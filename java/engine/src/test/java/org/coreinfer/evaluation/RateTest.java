package org.coreinfer.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class RateTest {
  @Test
  void theMedianIsInTheMiddle() {
    assertEquals(new Rate(2, 1, 9), Rate.of(List.of(9.0, 1.0, 2.0)));
    assertEquals(new Rate(3, 1, 9), Rate.of(List.of(9.0, 1.0, 2.0, 4.0)));
    assertEquals(new Rate(5, 5, 5), Rate.of(List.of(5.0)));
  }
}
