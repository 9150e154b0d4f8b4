// How far the clock of this device is from the clock of the box, so that the shown delay is true
// even on a phone whose clock is wrong.

const SAMPLES = 5;
const EVERY_MS = 60_000;

export class BoxClock {
  #offset = null;
  #timer = null;

  /** Box time minus device time in milliseconds; `null` until it is known. */
  get offset() { return this.#offset; }

  /** The time of the box in milliseconds since 1970; `null` until it is known. */
  now() { return this.#offset === null ? null : Date.now() + this.#offset; }

  /** Measures now and every minute. */
  start() {
    clearTimeout(this.#timer);
    this.#measure().catch(() => {}).finally(() => {
      this.#timer = setTimeout(() => this.start(), this.#offset === null ? 2_000 : EVERY_MS);
    });
  }

  async #measure() {
    let best = null;
    for (let i = 0; i < SAMPLES; i += 1) {
      const sent = performance.now();
      const response = await fetch("/api/clock", { cache: "no-store" });
      const { unix_ms } = await response.json();
      const trip = performance.now() - sent;
      // The answer was written somewhere within the trip: half of it is the best guess, and the
      // shortest trip has the least doubt.
      const offset = unix_ms + trip / 2 - Date.now();
      if (best === null || trip < best.trip) best = { trip, offset };
    }
    this.#offset = best.offset;
  }
}
