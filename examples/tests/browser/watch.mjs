// Opens the audience page in Chromium as a viewer does and reports what was seen, as JSON lines on standard output:
//   {"event":"playing"}          the first frame with a readable clock was shown
//   {"event":"result", ...}      everything recorded, when standard input closes
//
// usage: node watch.mjs URL CHROMIUM MODULES [OPTION..]     (MODULES: the node_modules that has playwright-core)
//   --loads N            opens N fresh pages one after the other instead, and reports when each showed its first frame
//   --native             URL is a playlist: a bare video element plays it by what the browser has of its own
//   --screenshot FILE    photographs the page at the end
//   --captions DATE      turns the first captions on and reports their cues, in times from DATE on by its dates
//   --sound              turns the sound on and notes its second marks

import { parseArgs } from "node:util";
import { launch } from "./chromium.mjs";
import { installClock } from "./clock.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    captions: { type: "string" },
    loads: { type: "string" },
    native: { type: "boolean" },
    screenshot: { type: "string" },
    sound: { type: "boolean" },
  },
});
const [url, executablePath, modules] = positionals;
const viewport = { width: 1280, height: 800 };

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const firstFrame = (page) =>
  page.waitForFunction(() => window.glass.first !== null, undefined, { timeout: 0, polling: 20 });

/** Fresh pages, each with nothing in its cache. */
async function join(browser, count) {
  const joins = [];
  for (let index = 0; index < count; index += 1) {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    await page.addInitScript(installClock);
    await page.goto(url);
    await firstFrame(page);
    joins.push(await page.evaluate(() => window.glass.first));
    await context.close();
  }
  say({ event: "result", joins });
}

/** Notes whether captions are shown. */
function caption() {
  const video = document.querySelector("video");
  window.captioned = false;
  setInterval(() => {
    const active = [...video.textTracks].some((track) => track.mode === "showing" && track.activeCues?.length > 0);
    window.captioned ||= active;
  }, 100);
}

/** What is known of captions: their cues, with times since the first picture as the dates of its playlist say. */
function captions(first) {
  const { hls, video } = { hls: window.backline.hls, video: document.querySelector("video") };
  const fragments = hls.levels[hls.currentLevel >= 0 ? hls.currentLevel : 0].details.fragments;
  const since = (time) => {
    const fragment = fragments.filter(({ start }) => start <= time).at(-1) ?? fragments[0];
    return fragment.programDateTime + (time - fragment.start) * 1_000 - Date.parse(first);
  };
  const tracks = [...video.textTracks].filter((track) => track.kind === "subtitles");
  const cues = tracks.flatMap((track) => [...(track.cues ?? [])]);
  return {
    shown: window.captioned,
    tracks: tracks.map(({ kind, label, language, mode }) => ({ kind, label, language, mode })),
    cues: cues.map(({ text, startTime, endTime }) => ({
      text,
      since_first_ms: since(startTime),
      length: endTime - startTime,
    })),
  };
}

/** A page of the same origin with nothing but a video element. */
async function bare(page) {
  await page.goto(new URL("/healthz", url).href);
  await page.evaluate((src) => {
    const video = document.createElement("video");
    Object.assign(video, { src, muted: true, autoplay: true });
    // Chromium 156 often fails to parse a live stream at its first attempts, FFmpeg's as well as ours, and more often
    // when frames are read from it as `clock.mjs` does; it plays the same bytes at a later one.
    video.addEventListener("error", () => setTimeout(() => video.load(), 300));
    document.body.replaceChildren(video);
  }, url);
}

/** One page, until standard input closes. */
async function watch(browser) {
  const page = await browser.newPage({ viewport });
  const seen = { loads: 0, refused: [], console: [] };
  page.on("load", () => (seen.loads += 1));
  page.on("response", (answer) => answer.status() >= 400 && seen.refused.push([answer.status(), answer.url()]));
  page.on("pageerror", (error) => seen.console.push(`${error}`));
  page.on("console", (line) => line.type() === "error" && seen.console.push(line.text()));
  await page.addInitScript(installClock);
  if (options.native) await bare(page);
  else await page.goto(url);

  const closed = new Promise((resolve) => process.stdin.on("end", resolve).on("error", resolve).resume());
  // The browser's own player shows a frame of every attempt that fails, too.
  const begun = options.native
    ? page.waitForFunction(() => document.querySelector("video")?.currentTime > 3, undefined, { timeout: 0 })
    : firstFrame(page);
  const playing = begun.then(async () => {
    if (options.sound) {
      await page.click("#mute");
      await page.evaluate(() => window.listen());
    }
    if (options.captions) {
      await page.click("#captions");
      await page.evaluate(caption);
    }
    say({ event: "playing" });
  });
  playing.catch(() => {});
  await closed;

  if (options.screenshot) await page.screenshot({ path: options.screenshot });
  const inPage = await page.evaluate(() => {
    const video = document.querySelector("video");
    const quality = video?.getVideoPlaybackQuality();
    const hls = window.backline?.hls;
    return {
      ...window.glass,
      dropped: quality?.droppedVideoFrames ?? 0,
      decoded: quality?.totalVideoFrames ?? 0,
      rate: video?.playbackRate,
      player: hls && {
        version: hls.constructor.version,
        latency: hls.latency,
        target: hls.targetLatency,
        lowLatency: hls.lowLatencyMode ?? hls.config?.lowLatencyMode,
      },
    };
  });
  if (options.captions) seen.captions = await page.evaluate(captions, options.captions);
  say({ event: "result", ...seen, ...inPage });
}

const browser = await launch(executablePath, modules);
try {
  if (options.loads) await join(browser, Number(options.loads));
  else await watch(browser);
} finally {
  await browser.close();
}
