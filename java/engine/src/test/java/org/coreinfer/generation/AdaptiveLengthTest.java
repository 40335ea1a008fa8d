package org.coreinfer.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AdaptiveLengthTest {
  private static AdaptiveLength after(double cost, int rounds, int drafted, int accepted) {
    AdaptiveLength length = new AdaptiveLength(new DraftCosts(cost));
    for (int i = 0; i < rounds; i++) {
      length.learn(drafted, accepted);
    }
    return length;
  }

  @Test
  void draftsMoreWhenMoreIsAccepted() {
    int rarely = after(0.3, 50, 4, 0).choose(15);
    int often = after(0.3, 50, 4, 3).choose(15);
    int always = after(0.3, 50, 4, 4).choose(15);
    assertEquals(0, rarely);
    assertTrue(often > 0 && always > often, often + " " + always);
  }

  @Test
  void draftsMoreWhenDraftsAreCheaper() {
    int cheap = after(0.1, 50, 4, 3).choose(15);
    int dear = after(0.5, 50, 4, 3).choose(15);
    assertTrue(cheap > dear, cheap + " " + dear);
    assertEquals(0, after(1, 50, 4, 3).choose(15));
  }

  @Test
  void neverDraftsMoreThanThereIsRoomFor() {
    AdaptiveLength length = after(0.05, 50, 4, 4);
    for (int most = 0; most <= 15; most++) {
      assertTrue(length.choose(most) <= most);
    }
    assertEquals(0, length.choose(0));
  }

  @Test
  void triesAgainNowAndThen() {
    AdaptiveLength length = after(0.9, 50, 1, 0);
    int trials = 0;
    for (int i = 0; i < 320; i++) {
      trials += length.choose(15);
    }
    assertEquals(10, trials);
  }

  @Test
  void measuredTimesReplaceWhatWeightsSay() {
    DraftCosts costs = new DraftCosts(0.2);
    assertEquals(0.2, costs.draft(), 1e-9);
    assertEquals(1 + 3 * DraftCosts.FURTHER_TOKEN, costs.pass(4), 1e-9);
    for (int i = 0; i < 30; i++) {
      costs.measuredDrafts(4, 4 * 700);
      costs.measuredPass(1 + i % 5, 1000 + 300L * (i % 5));
    }
    assertEquals(700, costs.draft(), 1);
    assertEquals(1000, costs.pass(1), 1);
    assertEquals(4000, costs.pass(11), 5);
    costs.measuredPass(3, 1_000_000_000);
    assertTrue(costs.pass(3) < 3000, "one disturbed pass must not decide");
  }
}
