// Opens the audience page in Chromium, waits until it plays, goes through all levels of the ladder, and reports what
// was seen as one line of JSON.
//
// usage: node levels.mjs URL CHROMIUM MODULES     (MODULES: the node_modules that has playwright-core)

import { launch } from "./chromium.mjs";

const [url, executablePath, modules] = process.argv.slice(2);

const PATIENCE_MS = 30_000;

const browser = await launch(executablePath, modules);
try {
  // The tests' certificate is signed by nobody.
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  const console = [];
  page.on("pageerror", (error) => console.push(`${error}`));
  await page.goto(url);
  const plays = (after) => document.querySelector("video")?.currentTime > after && document.querySelector("video").videoWidth > 0;
  await page.waitForFunction(plays, 0, { timeout: PATIENCE_MS, polling: 50 });
  await page.evaluate(() => {
    window.errors = [];
    window.backline.hls.on("hlsError", (_, data) => window.errors.push([data.details, data.fatal]));
  });
  const levels = await page.evaluate(() =>
    window.backline.hls.levels.map(({ width, height, bitrate }) => ({ width, height, bitrate })),
  );
  const switched = [];
  for (let round = 0; round < 2; round += 1) {
    for (const [level, { width }] of levels.entries()) {
      const begun = Date.now();
      await page.evaluate((level) => (window.backline.hls.nextLevel = level), level);
      const shows = (width) => document.querySelector("video").videoWidth === width;
      await page.waitForFunction(shows, width, { timeout: PATIENCE_MS, polling: 50 });
      switched.push({ level, width, ms: Date.now() - begun });
    }
  }
  const at = await page.evaluate(() => document.querySelector("video").currentTime);
  await page.waitForFunction(plays, at + 2, { timeout: PATIENCE_MS, polling: 50 });
  const seen = await page.evaluate(() => ({
    errors: window.errors,
    // A request that was given up has none.
    protocols: [...new Set(performance.getEntriesByType("resource").map((entry) => entry.nextHopProtocol))].filter(Boolean),
  }));
  process.stdout.write(`${JSON.stringify({ levels, switched, console, ...seen })}\n`);
} finally {
  await browser.close();
}
