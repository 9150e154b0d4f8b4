// Opens the audience page in Chromium as a viewer does and reports what was seen, as JSON lines on standard output:
//   {"event":"playing"}          the first frame with a readable clock was shown
//   {"event":"result", ...}      everything recorded, when standard input closes
//
// usage: node watch.mjs URL CHROMIUM MODULES [SCREENSHOT.png]     (MODULES: the node_modules that has playwright-core)

import { createRequire } from "node:module";
import { installClock } from "./clock.mjs";

const [url, executablePath, modules, screenshot] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");

// What a browser does in the background needs a network that test machines lack; the sandbox refuses to run as root.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const browser = await chromium.launch({ executablePath, args, headless: true });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const seen = { loads: 0, refused: [], console: [] };
  page.on("load", () => (seen.loads += 1));
  page.on("response", (answer) => answer.status() >= 400 && seen.refused.push([answer.status(), answer.url()]));
  page.on("pageerror", (error) => seen.console.push(`${error}`));
  page.on("console", (line) => line.type() === "error" && seen.console.push(line.text()));
  await page.addInitScript(installClock);
  await page.goto(url);

  const closed = new Promise((resolve) => process.stdin.on("end", resolve).on("error", resolve).resume());
  const playing = page.waitForFunction(() => window.glass.frames.length > 0, undefined, { timeout: 0, polling: 50 });
  playing.then(() => say({ event: "playing" })).catch(() => {});
  await closed;

  if (screenshot) await page.screenshot({ path: screenshot });
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
  say({ event: "result", ...seen, ...inPage });
} finally {
  await browser.close();
}
