import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFAULTS, Steer } from "./steer.js";

/** Plays `time` seconds of parts that each arrive `late(i)` seconds after their end. */
function simulate(steer, time, late, start = 0.9) {
  const { part: length } = steer;
  const step = 0.05;
  let playhead = 10 - start;
  let stalls = 0;
  let least = Infinity;
  for (let now = 10; now < 10 + time; now += step) {
    let part = Math.floor(now / length + 1e-9);
    while (part * length + late(part) > now) part -= 1;
    const end = part * length;
    const { rate, seek } = steer.step(now, playhead, end);
    playhead += seek;
    if (playhead + rate * step > end) {
      stalls += 1;
      steer.stalled();
    } else {
      playhead += rate * step;
    }
    if (now > 10 + time / 2) least = Math.min(least, end - playhead);
  }
  return { latency: 10 + time - playhead, stalls, least };
}

test("creeps to the least margin and stays there without a stall", () => {
  for (const part of [0.1, 0.2, 0.333]) {
    const steer = new Steer({ part });
    const { latency, stalls, least } = simulate(steer, 120, () => 0.05);
    assert.equal(stalls, 0);
    assert.ok(latency < part + 0.05 + steer.least + 0.1, `latency ${latency}`);
    assert.ok(least > steer.least - 0.08, `least buffer ${least}`);
  }
});

test("jitter costs its own size and no stall", () => {
  const steer = new Steer();
  const { latency, stalls } = simulate(steer, 120, (part) => 0.03 + (part * 7919 % 13) / 100);
  assert.equal(stalls, 0);
  assert.ok(latency < 0.2 + 0.15 + steer.least + 0.1, `latency ${latency}`);
});

test("a stall makes room, and the room is given up again", () => {
  const steer = new Steer();
  simulate(steer, 20, () => 0.05);
  const before = steer.goal;
  steer.stalled();
  assert.ok(steer.goal > before);
  for (let i = 0; i < 100; i += 1) steer.stalled();
  assert.equal(steer.goal, DEFAULTS.margin_max);
});

test("a large surplus is skipped", () => {
  const { latency } = simulate(new Steer(), 5, () => 0.05, 9);
  assert.ok(latency < 1.5, `latency ${latency}`);
});
