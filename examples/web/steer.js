// Keeps the picture as close to the stage as the network allows, by small changes of playback speed.
//
// Media arrives in steps of a part. What counts is how much is left in the buffer just before the next
// step: the *margin*. With `slack = end of buffer - time` sampled over the last seconds and `position =
// playhead - time`, the margin is `min(slack) - position`; both move together at speed 1, so the
// margin can be corrected at once although the minimum looks back.

export const DEFAULTS = Object.freeze({
  margin_fresh: 0.05,   // s above the least margin; the goal of a fresh player
  margin_min: 0.25,     // s; with half a part on top it creeps down to this while nothing stalls
  part: 0.2,            // s; how long a part is, until the playlist has said it
  margin_max: 1.5,      // s; no network is worth more
  creep: 0.004,         // s of margin given up per second of smooth play
  stall_step: 0.12,     // s of margin added by a stall
  window: 8,            // s over which the smallest slack counts
  gain: 0.5,            // speed change per second of error
  slowest: 0.95,
  fastest: 1.1,
  fastest_muted: 1.3,   // nobody hears it; a fresh player, which starts muted, comes close at once
  dead_band: 0.015,     // s; smaller errors are left alone
  jump: 3,              // s; a larger surplus is skipped, not played faster
  settle: 0.5,          // s of play after which a fresh player knows the rhythm of the parts
  jump_fresh: 0.15,     // s; what it has too much then, it skips once, while nobody follows the show yet
});

export class Steer {
  constructor(options = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.part = this.options.part;
    this.reset();
  }

  /** The least margin, in seconds: what is late is late by parts, so shorter ones need less. */
  get least() { return this.options.margin_min + this.part / 2; }

  /** Forgets what was learnt about the buffer, not the margin that the network needs. */
  reset(fresh = true) {
    if (fresh) this.settles_at = null;
    this.slacks = [];
    this.last = null;
    this.margin = null;
    this.rate = 1;
    this.goal ??= this.least + this.options.margin_fresh;
  }

  /** A stall: the goal was too close. */
  stalled() {
    const { stall_step, margin_max } = this.options;
    this.goal = Math.min(margin_max, this.goal + stall_step);
    this.slacks = [];
  }

  /**
   * Takes one sample, all in seconds, and says what to do.
   * @returns {{rate: number, seek: number}} playback speed, and seconds to skip forward (0: none)
   */
  step(now, playhead, buffered_end, muted = false) {
    const { options } = this;
    if (this.last !== null && now > this.last) {
      const passed = Math.min(1, now - this.last);
      this.goal = Math.max(this.least, this.goal - options.creep * passed);
    }
    this.last = now;
    this.slacks.push({ now, slack: buffered_end - now });
    while (this.slacks[0].now < now - options.window) this.slacks.shift();
    const slack = this.slacks.reduce((least, sample) => Math.min(least, sample.slack), Infinity);
    this.margin = slack - (playhead - now);
    const error = this.margin - this.goal;
    this.settles_at ??= now + options.settle;
    const settling = this.settles_at !== Infinity && now >= this.settles_at;
    if (settling) this.settles_at = Infinity;
    if (error > (settling ? options.jump_fresh : options.jump)) return { rate: 1, seek: error };
    // Hysteresis: once at work it goes on until the error is almost gone.
    const band = this.rate === 1 ? options.dead_band : options.dead_band / 3;
    const wanted = Math.abs(error) <= band ? 1 : 1 + error * options.gain;
    const fastest = muted ? options.fastest_muted : options.fastest;
    this.rate = Math.round(Math.min(fastest, Math.max(options.slowest, wanted)) * 200) / 200;
    return { rate: this.rate, seek: 0 };
  }
}
