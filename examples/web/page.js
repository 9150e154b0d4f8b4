// The audience page: which stage, what the box says about it, the buttons.

import { BoxClock } from "./clock.js";
import { seconds, translate, word } from "./i18n.js";
import { Player } from "./player.js";

const SHOW_MS = 250;
const POLL_WAITING_MS = 1_000;
const POLL_PLAYING_MS = 5_000;
const LIVE_MS = 3_000;        // how long the show may be on without a picture

const element = (id) => document.getElementById(id);
const video = element("video");
const clock = new BoxClock();
const player = new Player(video, await load_hls());

let stage = wanted_stage();
let state = null;          // what the box says: waiting, live, away, ended; null: no answer yet
let state_at = 0;          // when that began
let loaded = null;         // the playlist that the player has
let message = null;        // the word that the status line shows
let captions = false;      // whether the viewer wants them
let shown = null;          // smoothed delay in seconds

/** Loads hls.js when the box has it; nothing comes from elsewhere. */
function load_hls() {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = "/web/hls.min.js";
    script.onload = () => resolve(window.Hls);
    script.onerror = () => resolve(null);
    document.head.append(script);
  });
}

function wanted_stage() {
  const name = location.pathname.split("/")[1];
  return name === "" ? null : decodeURIComponent(name);
}

/** Asks the box how the show stands, for ever. */
async function poll() {
  try {
    const response = await fetch("/api/status", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { stages } = await response.json();
    list(stages);
    stage ??= (stages.find((one) => one.state === "live") ?? stages[0])?.name;
    const before = state;
    state = stages.find((one) => one.name === stage)?.state ?? "waiting";
    if (state !== before) state_at = performance.now();
    follow(before);
  } catch {
    if (!player.stats().playing) say("lost");
    state = null;
  }
  const wait = player.stats().playing ? POLL_PLAYING_MS : POLL_WAITING_MS;
  setTimeout(poll, wait * (0.9 + Math.random() / 5));
}

/** Does what the state of the show asks for. */
function follow(before) {
  if (!player.engine) return say("unsupported");
  const playlist = `/${encodeURIComponent(stage)}/index.m3u8`;
  if (state === "live" && (loaded !== playlist || before === "ended" || video.ended)) {
    loaded = playlist;
    player.load(playlist);
  } else if (state === "waiting" && loaded !== null) {
    // The box was started anew and has no media yet.
    loaded = null;
    player.stop();
  }
  if (player.stats().playing) return;
  if (state === "waiting") say("waiting");
  else if (state === "away") say("paused_show");
  else if (state === "ended" && (loaded === null || video.ended)) say("ended");
}

/** Links to the other stages, when there are some. */
function list(stages) {
  const nav = element("stages");
  nav.hidden = stages.length < 2;
  element("title").textContent = stages.length > 1 && stage ? stage : word("title");
  const names = stages.map((one) => one.name).join("\n");
  if (nav.hidden || nav.dataset.names === names + stage) return;
  nav.dataset.names = names + stage;
  nav.replaceChildren(...stages.map(({ name }) => {
    const link = document.createElement("a");
    link.href = `/${encodeURIComponent(name)}/`;
    link.textContent = name;
    if (name === stage) link.setAttribute("aria-current", "page");
    return link;
  }));
}

/** Shows `key` over the picture and in the status line; `null` uncovers the picture. */
function say(key) {
  if (key === message) return;
  message = key;
  const covered = key !== null && key !== "playing" && key !== "reconnecting";
  element("cover").hidden = !covered;
  if (covered) {
    element("cover-title").textContent = word(key);
    element("cover-hint").textContent = word(`${key}_hint`);
  }
  element("status").textContent = key === null ? "" : word(key);
  buttons();
}

function buttons() {
  const on = message === "playing" || message === "reconnecting" || message === "blocked";
  element("play").disabled = element("mute").disabled = !on;
  element("play").textContent = word(video.paused ? "play" : "pause");
  element("mute").textContent = word(video.muted ? "unmute" : "mute");
  element("mute").setAttribute("aria-pressed", String(!video.muted));
  element("unmute").hidden = !on || !video.muted;
  element("captions").hidden = player.captions === 0;
  element("captions").setAttribute("aria-pressed", String(captions));
  element("full").textContent = word(document.fullscreenElement ? "leave_full" : "full");
}

/** The delay between the stage and this screen, by the clock of the box. */
function delay() {
  const now = clock.now();
  const at = player.shown_at;
  return now === null || at === null ? null : (now - at) / 1_000;
}

function show_delay() {
  const current = delay();
  const playing = player.stats().playing && current !== null;
  element("dot").classList.toggle("on", playing);
  if (!playing) shown = null;
  else shown = shown === null || Math.abs(current - shown) > 1 ? current : shown + (current - shown) / 4;
  element("latency").textContent = shown === null ? "–" : seconds(Math.max(0, shown));
}

function toggle_play() {
  if (!video.paused) return video.pause();
  // Whoever comes back wants the stage as it is now.
  player.go_live();
  player.play();
}

function toggle_sound() {
  video.muted = !video.muted;
  if (!video.muted && video.volume === 0) video.volume = 1;
}

function toggle_captions() {
  captions = !captions;
  player.show_captions(captions);
  buttons();
}

function toggle_full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (element("stage").requestFullscreen) element("stage").requestFullscreen().catch(() => {});
  else video.webkitEnterFullscreen?.();
}

player.addEventListener("playing", () => {
  player.show_captions(captions);
  say("playing");
});
player.addEventListener("captions", () => {
  player.show_captions(captions);
  buttons();
});
player.addEventListener("stalled", () => say(state === "away" ? "paused_show" : "reconnecting"));
player.addEventListener("trouble", () => say(state === "live" ? "reconnecting" : message));
player.addEventListener("blocked", () => say("blocked"));
player.addEventListener("ended", () => say("ended"));
player.addEventListener("stuck", () => {
  // A publisher that is just back may have no picture yet.
  if (state === "live" && performance.now() - state_at > LIVE_MS) player.restart("stuck");
});
for (const event of ["play", "pause", "volumechange"]) video.addEventListener(event, buttons);
document.addEventListener("fullscreenchange", buttons);
document.addEventListener("visibilitychange", () => { if (!document.hidden && !video.paused && loaded) player.go_live(); });
element("play").addEventListener("click", toggle_play);
element("mute").addEventListener("click", toggle_sound);
element("unmute").addEventListener("click", () => { toggle_sound(); element("mute").focus(); });
element("captions").addEventListener("click", toggle_captions);
element("full").addEventListener("click", toggle_full);
element("volume").addEventListener("input", ({ target }) => {
  video.volume = target.value / 100;
  video.muted = video.volume === 0;
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select, input")) return;
  const action = { " ": toggle_play, m: toggle_sound, c: toggle_captions, f: toggle_full, l: () => player.go_live() }[event.key.toLowerCase()];
  // A focused button answers to the space bar itself.
  if (!action || (event.key === " " && event.target.matches("button, a"))) return;
  event.preventDefault();
  action();
});

translate(element("language"), () => {
  const key = message;
  message = undefined;
  say(key);
});
say("waiting");
clock.start();
poll();
setInterval(show_delay, SHOW_MS);

// For tests and for whoever asks why: read-only views.
window.backline = {
  get hls() { return player.hls; },
  get state() { return state; },
  stats: () => ({ ...player.stats(), latency: delay(), clock_offset_ms: clock.offset, state, message }),
};
