// The chosen picture: where it is in the latent space, and how it comes onto the page.

import { draw } from "./pictures.js";
import { joined } from "./rows.js";
import { between, eased, moved, pathOf } from "./walk.js";

const LEG_MS = 1800;
// The rate shown is of the last frames, for about this long.
const RATE_MS = 1000;

/** The chosen picture, its offsets along directions, and its walk through the other samples. */
export class Stage {
  /**
   * @param {object} parts `canvas`; `painter`; `spec` of readSpec; `directions`, Float32Arrays; `onError`, called with
   *   what failed; `onRate`, called with frames a second and ms a picture; `onCaption`, called with what is shown.
   */
  constructor(parts) {
    Object.assign(this, parts);
    this.path = pathOf(this.spec);
    this.offsets = this.directions.map(() => 0);
    // Of the chosen sample: {latent, labels, noise, seeds, truncation, seed, held, name}; one row each, `held` the names
    // of its labels.
    this.base = null;
    // The walk that is on: an object of its own, or null.
    this.walking = null;
    this.busy = false;
    this.stale = false;
    this.frames = [];
    this.caption = "";
  }

  /** Show a sample. */
  show(base) {
    this.base = base;
    this.say(base.name);
    this.refresh();
  }

  /** Move along the directions. */
  move(offsets) {
    this.offsets = offsets;
    this.refresh();
  }

  /** Inputs of the chosen picture at several offsets. */
  at(offsets) {
    const { labels, noise, seeds } = this.base;
    const rows = offsets.map((each) => moved(this.truncated(this.base.latent), this.directions, each, this.spec));
    return {
      count: rows.length,
      latent: joined(rows),
      labels: labels && joined(rows.map(() => labels)),
      noise: noise && joined(rows.map(() => noise)),
      seeds: rows.map(() => seeds[0]),
    };
  }

  /** Draw what there is now; while a picture is being made, only once more after it. */
  async refresh() {
    if (this.busy) {
      this.stale = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.stale = false;
        await this.paint(this.inputs());
      } while (this.stale && !this.walking);
    } catch (error) {
      this.walking = null;
      this.onError(error);
    } finally {
      this.busy = false;
    }
  }

  inputs() {
    if (this.spec.inputs === "seed") return { ...this.base, count: 1 };
    return this.at([this.offsets]);
  }

  async paint(inputs) {
    const { pixels, ms } = await this.painter.paint(inputs);
    draw(this.canvas, pixels, this.spec);
    this.ms = ms;
  }

  truncated(latent) {
    const psi = Math.fround(this.base.truncation);
    return psi === 1 ? latent : latent.map((value) => value * psi);
  }

  /**
   * Walk on from the chosen picture, until `stop`.
   *
   * @param {function(): object} next the base to walk to next; its labels and noise are left, so that only the latent
   *   moves, and nothing jumps.
   */
  async walk(next) {
    const walk = (this.walking = {});
    this.frames = [];
    let from = this.base;
    let to = next();
    let begun = performance.now();
    while (this.walking === walk) {
      // Asked for first: a picture that takes longer than the screen waits for no second one.
      const screen = new Promise(requestAnimationFrame);
      if (!this.busy) {
        const now = performance.now();
        if (now - begun >= LEG_MS) {
          [from, to] = [to, next()];
          begun = Math.max(begun + LEG_MS, now - LEG_MS);
        }
        this.step(from, to, eased(Math.min(1, (now - begun) / LEG_MS)));
        await this.refresh();
        this.count(performance.now());
      }
      await screen;
    }
  }

  /** Go to a point of the way between two bases. */
  step(from, to, t) {
    const latent = between(from.latent, to.latent, t, this.path);
    // It keeps the seed from which it comes, as a walk that goes on from here does.
    this.base = { ...this.base, latent, seed: from.seed };
    const { held } = this.base;
    this.say(`Between the seeds ${from.seed} and ${to.seed}${held && `, ${held}`}`);
  }

  /** Stay where the walk is. */
  stop() {
    this.walking = null;
  }

  say(caption) {
    if (caption === this.caption) return;
    this.caption = caption;
    this.onCaption(caption);
  }

  count(now) {
    this.frames.push(now);
    while (now - this.frames[0] > RATE_MS) this.frames.shift();
    const span = now - this.frames[0];
    if (this.frames.length > 5) this.onRate(((this.frames.length - 1) * 1000) / span, this.ms);
  }
}
