// Plays one stage in one <video> and never gives up: what hls.js cannot repair is taken down and built
// again. ManagedMediaSource or MediaSource with hls.js first, the browser's own player without it.

import { cap, header_of, read, spaced } from "./air.js";
import { Steer } from "./steer.js";

const STEER_MS = 50;
const WATCH_MS = 1_000;
const STUCK_MS = 5_000;       // no progress for so long while the show is on: build again
const HOLE_S = 0.1;           // what a player plays over by itself
const HELD_MS = 4_000;        // how long the box may hold a request for a playlist before it is asked again
const HELD_STILL_MS = 3_000;  // how long the picture of a publisher that is back may stand still
const SLOW_MS = 400;          // how long a stall lasts that browsers end too late
const WEDGED_MS = 500;        // how long one lasts that what is listed does not end
const BACKOFF_MS = [300, 600, 1_200, 2_500, 5_000];
const AGAIN = { maxNumRetry: 1e6, retryDelayMs: 200, maxRetryDelayMs: 1_000, backoff: "linear" };
const ONCE = { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 };
const AT_ONCE = { maxNumRetry: 1e6, retryDelayMs: 0, maxRetryDelayMs: 0 };
// Of what is listed as absent, hls.js asks for the next segment after the delay of its first retry.
const SOON = { maxNumRetry: 8, retryDelayMs: 100, maxRetryDelayMs: 1_000 };

const SETTINGS = {
  lowLatencyMode: true,
  cmcd: { useHeaders: true, version: 2 },   // in headers, so that no cache takes it for another object
  preferManagedMediaSource: true,
  enableInterstitialPlayback: false,
  liveDurationInfinity: true,
  maxLiveSyncPlaybackRate: 1,   // `Steer` sets the speed: hls.js catches up only above 1 s of buffer
  liveSyncOnStallIncrease: 0,   // and knows what a stall costs
  maxBufferLength: 8,
  backBufferLength: 8,
  playlistLoadPolicy: {
    default: { maxTimeToFirstByteMs: 10_000, maxLoadTimeMs: 20_000, timeoutRetry: AGAIN, errorRetry: AGAIN },
  },
  manifestLoadPolicy: {
    default: { maxTimeToFirstByteMs: 15_000, maxLoadTimeMs: 20_000, timeoutRetry: ONCE, errorRetry: ONCE },
  },
  fragLoadPolicy: {
    default: { maxTimeToFirstByteMs: 10_000, maxLoadTimeMs: 20_000, timeoutRetry: ONCE, errorRetry: SOON },
  },
};

/**
 * Loads playlists and lets the box hold a request for as long as the publisher is away. By itself hls.js gives up after
 * 1.6 s, and from then on looks once a second whether something is new.
 */
function patient(Hls) {
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const { loadPolicy } = config;
      const held = context.deliveryDirectives?.msn !== undefined;
      const patience = { maxTimeToFirstByteMs: HELD_MS, maxLoadTimeMs: HELD_MS, timeoutRetry: AT_ONCE };
      super.load(context, held ? { ...config, loadPolicy: { ...loadPolicy, ...patience } } : config, callbacks);
    }
  };
}

export class Player extends EventTarget {
  constructor(video, Hls) {
    super();
    this.video = video;
    this.Hls = Hls?.isSupported() ? Hls : null;
    this.settings = this.Hls && { ...SETTINGS, pLoader: patient(Hls) };
    this.engine = this.Hls ? "hls.js" : video.canPlayType("application/vnd.apple.mpegurl") ? "native" : null;
    this.hls = null;
    this.url = null;
    this.steer = new Steer();
    this.counts = { stalls: 0, stalled_ms: 0, fatal: 0, rebuilt: 0, skips: 0 };
    this.last_error = null;
    this.progress = { at: 0, time: -1 };
    this.air = null;            // what the box said last of the room's air
    this.stalled_at = null;
    this.left_at = 0;           // when the last seek out of a stall was
    this.held_at = null;        // since when it stands still for what a publisher that is back has yet to send
    this.newest_cc = -1;        // the newest discontinuity that is known
    this.failures = 0;
    this.alive = false;
    this.#listen();
  }

  /** Starts `url`, or starts over. */
  load(url) {
    this.stop();
    this.url = url;
    this.alive = true;
    this.failures = 0;
    this.#build();
    this.timers = [
      setInterval(() => this.#steer(), STEER_MS),
      setInterval(() => this.#watch(), WATCH_MS),
    ];
  }

  /** Takes everything down; the last picture stays until the next one. */
  stop() {
    this.alive = false;
    for (const timer of this.timers ?? []) clearInterval(timer);
    clearTimeout(this.retry);
    this.timers = [];
    this.#teardown();
  }

  async play() {
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.#say("blocked");
    }
  }

  /** To the newest picture that is safe to play. */
  go_live() {
    const live = this.hls?.liveSyncPosition ?? this.#edge();
    if (live && live > this.video.currentTime) this.video.currentTime = live;
  }

  /** Wall time of the shown picture in milliseconds, by the clock of the box; `null` if unknown. */
  get shown_at() {
    if (this.hls) return this.hls.playingDate?.getTime() ?? null;
    const start = this.video.getStartDate?.().getTime();
    return start ? start + this.video.currentTime * 1_000 : null;
  }

  /** How many captions there are to choose from. */
  get captions() { return this.hls ? this.hls.subtitleTracks.length : this.#texts().length; }

  /** Shows the first captions, or none. */
  show_captions(on) {
    if (this.hls) {
      if (this.hls.subtitleTracks.length) this.hls.subtitleTrack = on ? 0 : -1;
    } else {
      this.#texts().forEach((track, index) => { track.mode = on && index === 0 ? "showing" : "disabled"; });
    }
  }

  #texts() { return [...this.video.textTracks].filter(({ kind }) => kind === "subtitles" || kind === "captions"); }

  get buffer() { return Math.max(0, this.#edge() - this.video.currentTime); }

  #edge() {
    const { buffered } = this.video;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  #say(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  #build() {
    const { video } = this;
    this.progress = { at: performance.now(), time: -1 };
    this.started = false;
    this.newest_cc = -1;
    this.air = null;
    this.#release();
    this.steer.reset();
    if (this.engine === "native") {
      video.src = this.url;
      video.load();
    } else if (this.Hls) {
      // ManagedMediaSource works only where the picture cannot be sent to another screen.
      video.disableRemotePlayback = true;
      const hls = this.hls = new this.Hls(this.settings);
      hls.on(this.Hls.Events.ERROR, (_, data) => this.#error(hls, data));
      hls.on(this.Hls.Events.FRAG_CHANGED, (_, { frag }) => {
        if (frag.cc !== this.discontinuity) this.steer.reset();
        this.discontinuity = frag.cc;
      });
      hls.on(this.Hls.Events.SUBTITLE_TRACKS_UPDATED, () => this.#say("captions"));
      for (const loaded of [this.Hls.Events.LEVEL_LOADED, this.Hls.Events.FRAG_LOADED]) {
        hls.on(loaded, (_, { networkDetails }) => this.#obey(hls, header_of(networkDetails)));
      }
      hls.on(this.Hls.Events.LEVEL_UPDATED, (_, { details }) => this.#return_to(details));
      hls.on(this.Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
        if (frag.type === "main") this.newest_cc = Math.max(this.newest_cc, frag.cc);
        this.#resume();
      });
      hls.loadSource(this.url);
      hls.attachMedia(video);
    }
    this.play();
  }

  /**
   * A publisher that was away is listed again: goes there and stands still until what is there lasts.
   *
   * It takes a seek. Browsers wait for more sound with each time that it ran out, twice as much, up to 3 s, until one
   * makes them forget; and hls.js asks for parts only where it plays, for whole segments elsewhere.
   */
  #return_to(details) {
    const { video } = this;
    const newest = details.fragmentHint ?? details.fragments.at(-1);
    if (!newest || newest.cc <= this.newest_cc || this.stalled_at === null || video.paused) return;
    const first = details.fragments.find(({ cc }) => cc === newest.cc) ?? newest;
    this.newest_cc = newest.cc;
    this.held_at = performance.now();
    video.playbackRate = 0;
    video.currentTime = first.start + HOLE_S / 2;
  }

  /** Plays on where it stands still, if that lasts; leaves a stall that lasts too long, and a hole, by a seek. */
  #resume() {
    const { video, held_at, stalled_at } = this;
    const { buffered, currentTime } = video;
    if (!this.started || video.paused || !buffered.length) return;
    const last = buffered.length - 1;
    const start = Math.max(currentTime, buffered.start(last) + HOLE_S / 2);
    const enough = this.steer.least + this.steer.part / 2;
    if (buffered.end(last) - start < enough) return;
    const in_hole = start > currentTime && !this.#is_buffered(currentTime + HOLE_S);
    if (in_hole) {
      video.currentTime = start;
    } else if (held_at === null && stalled_at !== null && video.readyState < 3 && !video.seeking) {
      if (performance.now() - Math.max(stalled_at, this.left_at) < SLOW_MS) return;
      this.left_at = performance.now();
      video.currentTime += 0.001;
    }
    if (held_at !== null) this.#release();
  }

  /**
   * Leaves a stall behind which media is listed that hls.js does not ask for: beside a picture with sound of its own it
   * may forget the last part of a segment that is listed while the one before it is on its way.
   */
  #pass() {
    const { video, hls, stalled_at } = this;
    const now = performance.now();
    if (!hls || stalled_at === null || video.seeking || video.paused) return;
    if (now - Math.max(stalled_at, this.left_at) < WEDGED_MS) return;
    const live = hls.liveSyncPosition;
    const absent = hls.latestLevelDetails?.partList?.at(-1)?.gap ?? true;
    if (absent || live === null || live < this.#edge()) return;
    this.left_at = now;
    video.currentTime = live;
  }

  /** Does what the box asks for while many share the room's air, and stops when it does not any more. */
  #obey(hls, header) {
    if (hls !== this.hls || header === this.air) return;
    this.air = header;
    const { max_kbps, retry_ms, whole } = read(header);
    hls.autoLevelCapping = cap(hls.levels, max_kbps);
    for (const policy of ["playlistLoadPolicy", "fragLoadPolicy"]) {
      hls.config[policy] = spaced(this.settings[policy], retry_ms);
    }
    if (hls.lowLatencyMode === whole) hls.lowLatencyMode = !whole;
  }

  #release() {
    this.held_at = null;
    this.video.playbackRate = 1;
  }

  #is_buffered(time) {
    const { buffered } = this.video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= time && buffered.end(index) > time) return true;
    }
    return false;
  }

  #teardown() {
    this.hls?.destroy();
    this.hls = null;
    if (this.engine === "native") this.video.removeAttribute("src");
  }

  /** Takes the player down and builds it again, sooner at first and later with each failure in a row. */
  #rebuild(why) {
    if (!this.alive || this.retry) return;
    const delay = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)] * (0.75 + Math.random() / 2);
    this.failures += 1;
    this.last_error = why;
    this.#teardown();
    this.#say("trouble", why);
    this.retry = setTimeout(() => {
      this.retry = null;
      this.counts.rebuilt += 1;
      this.#build();
    }, delay);
  }

  #error(hls, data) {
    if (hls !== this.hls) return;
    this.last_error = data.details;
    if (!data.fatal) return;
    this.counts.fatal += 1;
    // A decoder that hiccuped is reset in place once; everything else starts over.
    if (data.type === this.Hls.ErrorTypes.MEDIA_ERROR && performance.now() - (this.recovered_at ?? -1e9) > 10_000) {
      this.recovered_at = performance.now();
      hls.recoverMediaError();
      this.play();
      return;
    }
    this.#rebuild(data.details);
  }

  #listen() {
    const { video } = this;
    video.textTracks.addEventListener("addtrack", () => { if (!this.hls) this.#say("captions"); });
    video.addEventListener("playing", () => {
      this.#unstall();
      this.started = true;
      this.#say("playing");
    });
    video.addEventListener("waiting", () => {
      if (!this.started || video.seeking || video.paused || this.stalled_at !== null) return;
      this.stalled_at = performance.now();
      this.stalled_cc = this.newest_cc;
      this.counts.stalls += 1;
      this.#say("stalled");
    });
    video.addEventListener("timeupdate", () => {
      if (video.currentTime === this.progress.time) return;
      if (video.readyState > 2) this.#unstall();
      this.progress = { at: performance.now(), time: video.currentTime };
      this.failures = 0;
    });
    video.addEventListener("ended", () => { if (this.alive) this.#say("ended"); });
    video.addEventListener("error", () => { if (this.engine === "native" && this.alive) this.#rebuild("native"); });
  }

  #unstall() {
    if (this.stalled_at === null) return;
    this.counts.stalled_ms += performance.now() - this.stalled_at;
    this.stalled_at = null;
    // A publisher that was away says nothing about the network.
    if (this.stalled_cc === this.newest_cc) this.steer.stalled();
  }

  #steer() {
    const { video, hls } = this;
    if (this.held_at !== null) {
      if (performance.now() - this.held_at > HELD_STILL_MS) this.#release();
      return;
    }
    this.#pass();
    if (!hls || !this.started || video.paused || video.seeking || video.readyState < 3 || document.hidden) return;
    const details = hls.latestLevelDetails;
    if (details?.partTarget) this.steer.part = details.partTarget;
    if (details?.live === false) {
      video.playbackRate = 1;
      return;
    }
    const { rate, seek } = this.steer.step(performance.now() / 1_000, video.currentTime, this.#edge(), video.muted);
    if (seek > 0) {
      this.counts.skips += 1;
      video.currentTime += seek;
      this.steer.reset(false);
    } else if (video.playbackRate !== rate) {
      video.playbackRate = rate;
    }
  }

  /** What no event reports: the picture stands still though the show goes on. */
  #watch() {
    const { video } = this;
    if (video.ended || document.hidden) return;
    if (video.paused && this.started) {
      this.progress.at = performance.now();
      return;
    }
    if (performance.now() - this.progress.at < STUCK_MS) return;
    this.progress.at = performance.now();
    this.#say("stuck");
  }

  /** Builds again now: the page knows that the show is on and the picture is not. */
  restart(why) { this.#rebuild(why); }

  stats() {
    const { video, hls, steer } = this;
    return {
      engine: this.engine,
      playing: this.started && !video.paused && this.stalled_at === null,
      buffer: this.buffer,
      margin: steer.margin,
      goal: steer.goal,
      rate: video.playbackRate,
      edge_latency: hls?.latency ?? null,
      target_latency: hls?.targetLatency ?? null,
      last_error: this.last_error,
      level_cap: hls?.autoLevelCapping ?? null,
      low_latency: hls?.lowLatencyMode ?? null,
      frames: video.getVideoPlaybackQuality?.().totalVideoFrames ?? null,
      dropped: video.getVideoPlaybackQuality?.().droppedVideoFrames ?? null,
      ...this.counts,
    };
  }
}
