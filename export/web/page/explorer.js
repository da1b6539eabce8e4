// The samples of a model, of which one is on the stage, and what a visitor does with them.

import { Grid } from "./grid.js";
import { latest } from "./latest.js";
import { save, sheet } from "./pictures.js";
import { part, split } from "./rows.js";
import { Sliders } from "./sliders.js";
import { Stage } from "./stage.js";

const SAMPLES = 24;
// Pictures of a grid that are asked for at a time, so that the first ones are soon there.
const PART = 8;
// Random first seeds are below this: short enough to be told to someone.
const RANDOM_BELOW = 1_000_000;
const LAST_SEED = (1n << 63n) - 1n;

/** A grid of samples, the chosen one, and its sliders. */
export class Explorer {
  /**
   * @param {object} parts `spec` of readSpec; `painter`; `directions`, Float32Arrays; `picture`, the canvas of the chosen
   *   sample; `samples` and `sliders`, the elements of the grid and of the directions; `onError`, called with what
   *   failed; `onRate` and `onCaption` as of Stage; `onFirst`, called with the grid's first seed; `onPlaying`, called
   *   with whether a walk is on.
   */
  constructor({ spec, painter, directions, picture, samples, sliders, onError, onRate, onCaption, onFirst, onPlaying }) {
    Object.assign(this, { spec, painter, onFirst, onPlaying, first: 0n, labels: [], truncation: 1 });
    // Of the samples, as Painter.inputs gives them.
    this.inputs = null;
    this.stage = new Stage({ canvas: picture, painter, spec, directions, onError, onRate, onCaption });
    this.grid = new Grid(samples, SAMPLES, spec, (index) => this.choose(index));
    this.sliders = new Sliders(sliders, directions.length, spec, (offsets) => this.stage.move(offsets));
    this.draw = latest((isLatest) => this.drawSamples(isLatest), onError);
    this.drawEnds = latest((isLatest) => this.drawSliderEnds(isLatest), onError);
  }

  /** Whether there is a latent to walk through. */
  get walks() {
    return this.spec.inputs !== "seed";
  }

  /** The samples of a seed and of those after it; the promise is of their pictures. */
  begin(first) {
    this.pause();
    this.first = first;
    this.onFirst(first);
    this.grid.choose(0);
    return this.draw();
  }

  /** Samples of another seed. */
  renew() {
    return this.begin(BigInt(Math.floor(Math.random() * RANDOM_BELOW)));
  }

  /** The same seeds with other labels, an index for each attribute or null, or with another truncation. */
  change(changed) {
    this.pause();
    Object.assign(this, changed);
    return this.draw();
  }

  /** Put a sample on the stage. */
  choose(index) {
    this.pause();
    this.stage.show(this.sample(index));
    this.drawEnds();
  }

  /** Walk from sample to sample, or stay where the walk is. */
  playOrPause() {
    if (this.stage.walking) {
      this.pause();
      return;
    }
    if (!this.walks) return;
    let index = this.grid.chosen;
    this.stage.walk(() => {
      this.grid.choose(index);
      index = (index + 1) % SAMPLES;
      return this.sample(index);
    });
    this.onPlaying(true);
  }

  pause() {
    if (!this.stage.walking) return;
    this.stage.stop();
    this.onPlaying(false);
    this.drawEnds();
  }

  /** All sliders to the middle. */
  reset() {
    this.sliders.reset();
    this.stage.move(this.sliders.offsets());
  }

  savePicture() {
    save(this.stage.canvas, `${this.spec.name}-${this.stage.caption.toLowerCase()}`);
  }

  saveSamples() {
    const canvases = this.grid.cells.map(({ canvas }) => canvas);
    save(sheet(canvases, this.grid.columns()), `${this.spec.name}-seeds-${this.first}`);
  }

  /** A sample as Stage takes it. */
  sample(i) {
    const { latent, labels, noise, seeds } = this.inputs;
    const row = (array) => array && array.subarray((i * array.length) / SAMPLES, ((i + 1) * array.length) / SAMPLES);
    const one = { latent: row(latent), labels: row(labels), noise: row(noise), seeds: [seeds[i]] };
    const held = this.labelNames(i).join(", ");
    return { ...one, truncation: this.truncation, seed: seeds[i], held, name: this.nameOf(i) };
  }

  nameOf(i) {
    return [`Seed ${this.inputs.seeds[i]}`, ...this.labelNames(i)].join(", ");
  }

  labelNames(i) {
    const { attributes } = this.spec;
    return attributes.map(({ name, values }, a) => {
      const value = values[this.inputs.labels[i * attributes.length + a]];
      return `${name.replaceAll("_", " ")} ${value}`;
    });
  }

  async drawSamples(isLatest) {
    const seeds = Array.from({ length: SAMPLES }, (_, i) => this.first + BigInt(i));
    const inputs = await this.painter.inputs(seeds, this.labels);
    if (!isLatest()) return;
    this.inputs = inputs;
    this.stage.show(this.sample(this.grid.chosen));
    for (let i = 0; i < SAMPLES; i += PART) {
      const { pixels } = await this.painter.paint(part(inputs, i, PART, this.truncation));
      if (!isLatest()) return;
      split(pixels, this.spec).forEach((picture, j) => this.grid.show(i + j, picture, this.nameOf(i + j)));
    }
    this.drawEnds();
  }

  async drawSliderEnds(isLatest) {
    if (!this.sliders.rows.length) return;
    const { pixels } = await this.painter.paint(this.stage.at(this.sliders.ends()));
    if (isLatest()) this.sliders.show(split(pixels, this.spec));
  }
}

/** A whole number in [0, 2**63) that leaves room for the others of the grid; null for other text. */
export function readSeed(text) {
  if (!/^\d{1,19}$/.test(text.trim())) return null;
  const seed = BigInt(text.trim());
  return seed <= LAST_SEED - BigInt(SAMPLES) ? seed : null;
}
