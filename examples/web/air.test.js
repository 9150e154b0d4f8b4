import assert from "node:assert/strict";
import { test } from "node:test";

import { cap, header_of, read, spaced } from "./air.js";

const NOTHING = { max_kbps: null, retry_ms: 0, whole: false };

test("says what the box says", () => {
  assert.deepEqual(read('"edge-2";etp=5000;mb=3000;rd=3;backline-retry=1500;backline-whole'),
    { max_kbps: 3000, retry_ms: 1500, whole: true });
  assert.deepEqual(read('"edge-2";rd=3'), NOTHING);
  assert.deepEqual(read(null), NOTHING);
});

test("the most careful of several servers counts", () => {
  assert.deepEqual(read('"a";mb=3000, "b"; mb=900;backline-whole, "c"'), { max_kbps: 900, retry_ms: 0, whole: true });
});

test("names and other keys say nothing", () => {
  assert.deepEqual(read('"a;mb=1;backline-whole \\";mb=2"'), NOTHING);
  assert.deepEqual(read('"a";xmb=5;mb=x;mb=-4;mb=1.5;backline-wholesale'), NOTHING);
  assert.equal(read('"a";backline-retry=999999999').retry_ms, 10_000);
});

test("caps at the best level that fits, or at the least", () => {
  const levels = [{ bitrate: 800_000 }, { bitrate: 3_000_000 }, { bitrate: 1_500_000 }];
  assert.equal(cap(levels, 2_000), 2);
  assert.equal(cap(levels, 3_000), 1);
  assert.equal(cap(levels, 10), 0);
  assert.equal(cap(levels, null), -1);
  assert.equal(cap([], 2_000), -1);
});

test("tries are spaced, never closer than before", () => {
  const errorRetry = { maxNumRetry: 8, retryDelayMs: 100, maxRetryDelayMs: 1_000 };
  const policy = { default: { maxLoadTimeMs: 5, errorRetry, timeoutRetry: null } };
  assert.equal(spaced(policy, 0), policy);
  const slow = spaced(policy, 2_000).default;
  const { retryDelayMs, maxRetryDelayMs } = slow.errorRetry;
  assert.deepEqual([retryDelayMs, maxRetryDelayMs, slow.maxLoadTimeMs], [2_000, 2_000, 5]);
  assert.equal(slow.timeoutRetry, null);
  assert.equal(spaced(policy, 50).default.errorRetry.retryDelayMs, 100);
});

test("reads the header of either loader", () => {
  assert.equal(header_of({ getResponseHeader: (name) => (name === "CMSD-Dynamic" ? "x" : null) }), "x");
  assert.equal(header_of({ headers: new Headers({ "cmsd-dynamic": "y" }) }), "y");
  assert.equal(header_of(null), null);
});
