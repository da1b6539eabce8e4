// The samples: a group of which one is chosen, by pointer, touch or arrow keys.

import { draw, size } from "./pictures.js";

/** A grid of pictures that are buttons. */
export class Grid {
  /**
   * @param {HTMLElement} root a radiogroup; its children are made here.
   * @param {number} count of pictures.
   * @param {object} spec of readSpec.
   * @param {function(number): void} onChoose called with the index that the visitor chooses.
   */
  constructor(root, count, spec, onChoose) {
    Object.assign(this, { root, spec, onChoose, chosen: 0 });
    this.cells = Array.from({ length: count }, (_, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "radio");
      const canvas = document.createElement("canvas");
      size(canvas, spec);
      button.append(canvas);
      button.addEventListener("click", () => this.take(i));
      root.append(button);
      return { button, canvas };
    });
    root.addEventListener("keydown", (event) => this.onKey(event));
    this.choose(0);
  }

  /** Mark a picture as the chosen one. */
  choose(index) {
    this.chosen = index;
    this.cells.forEach(({ button }, i) => {
      button.setAttribute("aria-checked", String(i === index));
      button.tabIndex = i === index ? 0 : -1;
    });
  }

  /** Choose a picture on the visitor's behalf. */
  take(index) {
    this.choose(index);
    this.onChoose(index);
  }

  /** Draw a picture, and say what it is. */
  show(index, pixels, name) {
    draw(this.cells[index].canvas, pixels, this.spec);
    this.cells[index].button.setAttribute("aria-label", name);
  }

  columns() {
    return getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
  }

  onKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns() };
    const last = this.cells.length - 1;
    const to = { Home: 0, End: last }[event.key] ?? this.chosen + (steps[event.key] ?? NaN);
    if (Number.isNaN(to) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (to < 0 || to > last) return;
    this.take(to);
    this.cells[to].button.focus();
  }
}
