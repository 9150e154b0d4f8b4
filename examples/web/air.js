// What the box says of the room's air (`CMSD-Dynamic` of CTA-5006), and what hls.js does about it. `mb` is the most
// that each viewer should take; `backline-retry` and `backline-whole` are keys of ours.

/** Reads a header; of several servers on the way the most careful one counts. `null`: nothing was said. */
export function read(header) {
  const plain = (header ?? "").replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const numbers = (key) => {
    const found = plain.matchAll(new RegExp(`; *${key}=(\\d{1,15})(?![\\d.])`, "g"));
    return [...found].map(([, digits]) => Number(digits));
  };
  const most = numbers("mb");
  return {
    max_kbps: most.length ? Math.min(...most) : null,
    retry_ms: Math.min(MOST_RETRY_MS, Math.max(0, ...numbers("backline-retry"))),
    whole: /; *backline-whole(?=[;, ]|$)/.test(plain),
  };
}

/** The best of `levels` that takes no more, the least one if all do; -1, any, where nothing was said. */
export function cap(levels, max_kbps) {
  if (max_kbps === null || !levels.length) return -1;
  const all = levels.map(({ bitrate }, index) => ({ bitrate, index }));
  const fits = all.filter(({ bitrate }) => bitrate <= max_kbps * 1_000);
  const better = (one, other) => (other.bitrate > one.bitrate ? other : one);
  const lesser = (one, other) => (other.bitrate < one.bitrate ? other : one);
  return fits.length ? fits.reduce(better).index : all.reduce(lesser).index;
}

/** `policy` with at least so long between two tries for what failed; the first try again is spread, too. */
export function spaced(policy, retry_ms) {
  if (!retry_ms) return policy;
  const slower = (retry) => retry && {
    ...retry,
    retryDelayMs: Math.max(retry.retryDelayMs, retry_ms),
    maxRetryDelayMs: Math.max(retry.maxRetryDelayMs, retry_ms),
  };
  const { errorRetry, timeoutRetry } = policy.default;
  return { default: { ...policy.default, errorRetry: slower(errorRetry), timeoutRetry: slower(timeoutRetry) } };
}

/** The header of an answer that hls.js got, however it got it. */
export function header_of(details) {
  if (details?.getResponseHeader) return details.getResponseHeader("CMSD-Dynamic");
  return details?.headers?.get?.("CMSD-Dynamic") ?? null;
}

const MOST_RETRY_MS = 10_000;   // a box that says more is not believed
