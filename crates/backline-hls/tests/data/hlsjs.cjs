// Lets hls.js load a media playlist and then a delta update of it, from texts on standard input, and says what it has
// made of them: {"full": {..}, "merged": {..}}.
// usage: node hlsjs.cjs NODE_MODULES < {"full": text, "delta": text}
globalThis.self = globalThis;
globalThis.location = { href: "http://box/" };
globalThis.document = { visibilityState: "visible", addEventListener() {}, removeEventListener() {} };
const Hls = require(`${process.argv[2]}/hls.js`);
const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const asked = [];

class Loader {
  load(context, config, callbacks) {
    asked.push(context.url);
    const data = context.url.includes("_HLS_skip") ? texts.delta : texts.full;
    const now = performance.now();
    const stats = {
      aborted: false, loaded: data.length, total: data.length, retry: 0, chunkCount: 0, bwEstimate: 0,
      loading: { start: now, first: now, end: now }, parsing: { start: 0, end: 0 }, buffering: { start: 0, first: 0, end: 0 },
    };
    this.stats = stats;
    setTimeout(() => callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, null), 1);
  }
  abort() {}
  destroy() {}
  getCacheAge() { return null; }
  getResponseHeader() { return null; }
}

const sum = (details) => ({
  msn: details.startSN,
  skipped: details.skippedSegments,
  gaps: details.fragments.filter((fragment) => fragment?.gap).map((fragment) => fragment.sn),
  gapParts: (details.partList ?? []).filter((part) => part.gap).length,
  dates: Object.fromEntries(Object.entries(details.dateRanges).map(([id, range]) => [id, { valid: range.isValid, start: range.startTime, duration: range.duration }])),
  error: details.playlistParsingError?.message ?? null,
});
const said = { errors: [] };
const hls = new Hls({ loader: Loader, enableWorker: false });
hls.on("hlsError", (_, data) => said.errors.push(`${data.details} ${data.error?.message ?? ""}`));
hls.on("hlsLevelUpdated", (_, data) => {
  said[said.full ? "merged" : "full"] = sum(data.details);
  if (said.merged) {
    said.asked = asked;
    process.stdout.write(JSON.stringify(said));
    process.exit(0);
  }
});
setTimeout(() => { said.asked = asked; process.stdout.write(JSON.stringify(said)); process.exit(1); }, 8000);
hls.loadSource("http://box/v0/index.m3u8");
