// What mp4box finds in MP4 files, as JSON on standard output: for each file its tracks, and of each track the codec
// string, the picture's size and [dts, cts, size, sync] of every sample.
//
// usage: node mp4box.mjs MODULES FILE..     (MODULES: the node_modules that has mp4box)

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...files] = process.argv.slice(2);
const { createFile, Log, MP4BoxBuffer } = createRequire(`${modules}/`)("mp4box");
Log.setLogLevel(Log.LOG_LEVEL_WARN ?? 2);

function read(path) {
  const file = createFile();
  const found = { errors: [], tracks: [] };
  const samples = new Map();
  file.onError = (module, message) => found.errors.push(`${module} ${message}`);
  file.onReady = (movie) => {
    for (const { id, codec, timescale, track_width: width, track_height: height } of movie.tracks) {
      found.tracks.push({ id, codec, timescale, width, height });
      samples.set(id, []);
      file.setExtractionOptions(id, null, { nbSamples: 1 });
    }
    file.start();
  };
  file.onSamples = (id, _user, list) => {
    samples.get(id).push(...list.map(({ dts, cts, size, is_sync: sync }) => [dts, cts, size, sync]));
  };
  const bytes = readFileSync(path);
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(new Uint8Array(bytes).buffer, 0));
  file.flush();
  for (const track of found.tracks) track.samples = samples.get(track.id);
  return found;
}

process.stdout.write(`${JSON.stringify(files.map(read))}\n`);
