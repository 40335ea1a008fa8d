package org.coreinfer.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.coreinfer.core.CoreOptions.Upkeep;
import org.coreinfer.core.Refresh.Drift;
import org.junit.jupiter.api.Test;

class RefreshScheduleTest {
  private static final Drift STALE = new Drift(0.5, 0.2);
  private static final Drift CALM = new Drift(0.21, 0.2);
  private static final Drift USUAL = new Drift(0.33, 0.2);

  @Test
  void everyKthTokenIsDueWhateverItsDrift() {
    RefreshSchedule schedule = new RefreshSchedule(3);
    for (Drift drift : new Drift[] {STALE, CALM, USUAL}) {
      for (int i = 0; i < 2; i++) {
        assertFalse(schedule.isDue());
        schedule.decoded();
      }
      assertTrue(schedule.isDue());
      schedule.refreshed(drift);
    }
  }

  @Test
  void oneMakesEveryTokenDueAndZeroNone() {
    assertTrue(new RefreshSchedule(1).isDue());
    RefreshSchedule never = new RefreshSchedule(0);
    for (int i = 0; i < 1000; i++) {
      assertFalse(never.isDue());
      never.decoded();
    }
  }

  @Test
  void autoHalvesTheIntervalWhereDriftIsHighAndDoublesItWhereItIsLow() {
    RefreshSchedule schedule = new RefreshSchedule(Upkeep.AUTO);
    assertEquals(32, schedule.interval());
    schedule.refreshed(USUAL);
    assertEquals(32, schedule.interval());
    schedule.refreshed(STALE);
    assertEquals(16, schedule.interval());
    schedule.refreshed(STALE);
    schedule.refreshed(STALE);
    assertEquals(8, schedule.interval()); // the least
    for (int i = 0; i < 9; i++) {
      schedule.refreshed(CALM);
    }
    assertEquals(256, schedule.interval()); // the most
  }

  @Test
  void noDriftAtAllIsLowDrift() {
    RefreshSchedule schedule = new RefreshSchedule(Upkeep.AUTO);
    schedule.refreshed(new Drift(0, 0));
    assertEquals(64, schedule.interval());
  }

  @Test
  void aPromptBeginsAnew() {
    RefreshSchedule schedule = new RefreshSchedule(Upkeep.AUTO);
    schedule.refreshed(STALE);
    schedule.decoded();
    schedule.restart();
    assertEquals(32, schedule.interval());
    for (int i = 0; i < 31; i++) {
      assertFalse(schedule.isDue());
      schedule.decoded();
    }
    assertTrue(schedule.isDue());
  }
}
