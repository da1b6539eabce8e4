// Pictures from an open onnxruntime session, in onnxruntime-web and onnxruntime-node alike.

import { classesFromSeeds, noiseFromSeeds, zFromSeeds } from "./latents.js";

// Pictures a run: few enough that the first ones are soon there.
const BATCH = 16;

/** Pictures of a model file as bytes, (count, height, width, channels), whatever its layout and dtype. */
export class Generator {
  /**
   * @param {object} ort the module onnxruntime-web or onnxruntime-node.
   * @param {object} session an ort.InferenceSession of the model.
   * @param {object} spec readSpec of the model.
   * @param {object|null} mapping a session of its mapping, for a model that takes w.
   */
  constructor(ort, session, spec, mapping = null) {
    Object.assign(this, { ort, session, spec, mapping });
  }

  /**
   * The pictures of seeds, equal to those of tfgan sample within a grey level.
   *
   * @param {Array<number|bigint>} seeds whole numbers in [0, 2**63).
   * @param {Array<number|null>} chosen an index for each attribute; null: by the seed.
   * @param {number} truncation factor of z in [0, 1].
   * @returns {Promise<Uint8ClampedArray>} row by row, picture after picture.
   */
  async sample(seeds, chosen = [], truncation = 1) {
    const labels = labelsOf(this.spec, seeds, chosen);
    const latent = await this.latents(seeds, labels, truncation);
    return this.generate({ count: seeds.length, latent, labels, noise: noiseOf(this.spec, seeds), seeds });
  }

  /**
   * What `generate` takes as `latent` for seeds: their z, or the w that the mapping makes of it.
   *
   * @param {Array<number|bigint>} seeds as of `sample`.
   * @param {Int32Array|null} labels of labelsOf.
   * @param {number} truncation factor of z in [0, 1].
   * @returns {Promise<Float32Array|null>} (count, zDim or wDim); null for a model that takes seeds.
   */
  async latents(seeds, labels, truncation = 1) {
    if (this.spec.inputs === "seed") return null;
    const z = zFromSeeds(seeds, this.spec.zDim, this.spec.prior);
    const latent = truncation === 1 ? z : z.map((value) => value * Math.fround(truncation));
    if (this.spec.inputs === "z") return latent;
    const feeds = { z: new this.ort.Tensor("float32", latent, [seeds.length, this.spec.zDim]), ...this.labels(labels) };
    return (await this.mapping.run(feeds)).w.data;
  }

  /**
   * The pictures of inputs.
   *
   * @param {object} inputs `count` of pictures; `latent`, (count, zDim or wDim) Float32Array, or `seeds` for a model
   *   that takes those; `labels`, (count, attributes) Int32Array; `noise`, (count, noiseDim) Float32Array; null for
   *   what the model does not take.
   * @returns {Promise<Uint8ClampedArray>} as of `sample`.
   */
  async generate({ count, latent, labels, noise, seeds }) {
    const { spec } = this;
    const size = spec.height * spec.width * spec.channels;
    const pictures = new Uint8ClampedArray(count * size);
    const step = spec.maxBatch ?? BATCH;
    for (let start = 0; start < count; start += step) {
      const rows = Math.min(step, count - start);
      // A graph of a fixed batch takes just that many rows: the last ones are made in vain.
      const padded = spec.maxBatch ?? rows;
      const part = { start, rows, padded };
      const feeds = {};
      if (spec.inputs === "seed") {
        const numbers = this.rows(BigInt64Array.from(seeds, BigInt), 1, part);
        feeds.seed = new this.ort.Tensor("int64", numbers, [padded]);
      } else {
        const width = spec.inputs === "w" ? spec.wDim : spec.zDim;
        feeds[spec.inputs] = new this.ort.Tensor("float32", this.rows(latent, width, part), [padded, width]);
      }
      // Labels shape w, and a model that takes w does not take them again.
      if (labels && spec.inputs !== "w") {
        Object.assign(feeds, this.labels(this.rows(labels, spec.attributes.length, part)));
      }
      if (spec.noiseDim && noise) {
        feeds.noise = new this.ort.Tensor("float32", this.rows(noise, spec.noiseDim, part), [padded, spec.noiseDim]);
      }
      const { images } = await this.session.run(feeds);
      pictures.set(asBytes(images.data, spec).subarray(0, rows * size), start * size);
      images.dispose?.();
    }
    return pictures;
  }

  /** The input `labels`, where there is one. */
  labels(labels) {
    if (!labels) return {};
    const width = this.spec.attributes.length;
    const shape = width === 1 ? [labels.length] : [labels.length / width, width];
    return { labels: new this.ort.Tensor("int64", BigInt64Array.from(labels, BigInt), shape) };
  }

  /** The rows of a part of an array, with rows of zeros up to the batch that the graph takes. */
  rows(array, width, { start, rows, padded }) {
    const part = new array.constructor(padded * width);
    part.set(array.subarray(start * width, (start + rows) * width));
    return part;
  }
}

/** The labels of seeds: those that are chosen, and else by the seed; null for a model without classes. */
export function labelsOf(spec, seeds, chosen = []) {
  const width = spec.attributes.length;
  if (!width) return null;
  const labels = classesFromSeeds(seeds, spec.attributes.map(({ values }) => values.length), spec.counts);
  return labels.map((drawn, i) => chosen[i % width] ?? drawn);
}

/** The noise of seeds; null for a model that takes none. */
export function noiseOf(spec, seeds) {
  return spec.noiseDim && spec.inputs !== "seed" ? noiseFromSeeds(seeds, spec.noiseDim) : null;
}

/** Bytes in the order height, width, channels, from what the graph gives. */
function asBytes(data, { layout, dtype, height, width, channels }) {
  const bytes = dtype === "uint8" ? data : Uint8ClampedArray.from(data, grey);
  if (layout === "nhwc" || channels === 1) return bytes;
  const [plane, size] = [height * width, height * width * channels];
  const turned = new Uint8ClampedArray(bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const inside = at % size;
    turned[at - inside + (inside % plane) * channels + Math.floor(inside / plane)] = bytes[at];
  }
  return turned;
}

/** The grey level of a value in [-1, 1]; the array rounds a half to even, as Python does, and clips. */
function grey(value) {
  return Math.fround(Math.fround(value + 1) * 127.5);
}
