package org.coreinfer.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
  @Test
  void holdsBackWhatMayBecomeAStopString() {
    StopMatcher stops = new StopMatcher(List.of("END", "\n\n"));
    assertEquals("one ", stops.accept("one E"));
    assertEquals("E", stops.accept("EN")); // of "EEN" only the end can still become "END"
    assertEquals("EN", stops.flush());
  }

  @Test
  void nothingFollowsTheEarliestStopString() {
    StopMatcher stops = new StopMatcher(List.of("END", "\n\n"));
    assertEquals("a", stops.accept("a\n"));
    assertFalse(stops.isStopped());
    assertEquals("", stops.accept("\nb END"));
    assertTrue(stops.isStopped());
  }

  @Test
  void whatWasHeldBackIsShownWhenNoMoreComes() {
    StopMatcher stops = new StopMatcher(List.of("stop"));
    assertEquals("sto", stops.accept("stosto"));
    assertEquals("sto", stops.flush());
    assertEquals("", stops.flush());
  }
}
