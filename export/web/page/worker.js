// The generator beside the page, so that the page stays smooth while pictures are made.

import { openGenerator } from "./engine.js";
import { labelsOf, noiseOf } from "./generator.js";

let opened = null;

const ANSWERS = {
  async open(request) {
    const onProgress = (loaded, total) => postMessage({ kind: "progress", loaded, total });
    opened = await openGenerator({ ...request, onProgress });
    const { backend, threads, note } = opened;
    return { answer: { backend, threads, note } };
  },

  /** The latents, labels and noise of seeds. */
  async inputs({ seeds, chosen }) {
    const { generator } = opened;
    const labels = labelsOf(generator.spec, seeds, chosen);
    const latent = await generator.latents(seeds, labels);
    return { answer: { count: seeds.length, latent, labels, noise: noiseOf(generator.spec, seeds), seeds } };
  },

  async paint(inputs) {
    const started = performance.now();
    const pixels = await opened.generator.generate(inputs);
    return { answer: { pixels, ms: performance.now() - started }, moved: [pixels.buffer] };
  },
};

// One after the other: a session takes one run at a time.
let last = Promise.resolve();

addEventListener("message", ({ data: { id, kind, request } }) => {
  last = last.then(async () => {
    try {
      const { answer, moved } = await ANSWERS[kind](request);
      postMessage({ id, answer }, moved ?? []);
    } catch (error) {
      postMessage({ id, error: error.message });
    }
  });
});
