// A slider for each direction, with the chosen picture at both its ends.

import { draw, size } from "./pictures.js";

// Standard deviations of the prior at a slider's ends.
const REACH = 3;
const STEP = 0.05;

/** Sliders of directions. */
export class Sliders {
  /**
   * @param {HTMLElement} root where they go.
   * @param {number} count of directions.
   * @param {object} spec of readSpec.
   * @param {function(number[]): void} onChange called with the offsets, in deviations.
   */
  constructor(root, count, spec, onChange) {
    this.spec = spec;
    this.rows = Array.from({ length: count }, (_, k) => {
      const row = document.createElement("div");
      row.className = "slider";
      const [low, high] = [endPicture(spec), endPicture(spec)];
      const input = document.createElement("input");
      Object.assign(input, { type: "range", min: -REACH, max: REACH, step: STEP, value: 0 });
      input.setAttribute("aria-label", `Direction ${k + 1}`);
      input.addEventListener("input", () => onChange(this.offsets()));
      input.addEventListener("dblclick", () => {
        input.value = 0;
        onChange(this.offsets());
      });
      row.append(low.box, input, high.box);
      root.append(row);
      return { input, low: low.canvas, high: high.canvas };
    });
  }

  /** Where the sliders are, in deviations. */
  offsets() {
    return this.rows.map(({ input }) => Number(input.value));
  }

  /** All to the middle. */
  reset() {
    for (const { input } of this.rows) input.value = 0;
  }

  /** The offsets of the pictures at the ends: for each slider the lower end, then the upper. */
  ends() {
    return this.rows.flatMap((_, k) => [-REACH, REACH].map((end) => this.rows.map((_, j) => (j === k ? end : 0))));
  }

  /** Draw the pictures of `ends`. */
  show(pictures) {
    this.rows.forEach(({ low, high }, k) => {
      draw(low, pictures[2 * k], this.spec);
      draw(high, pictures[2 * k + 1], this.spec);
    });
  }
}

function endPicture(spec) {
  const box = document.createElement("div");
  box.className = "end-picture";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  size(canvas, spec);
  box.append(canvas);
  return { box, canvas };
}
