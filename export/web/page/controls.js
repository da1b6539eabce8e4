// The page's controls, joined to what they do.

import { readSeed } from "./explorer.js";
import { onKeys } from "./keys.js";
import { makePickers } from "./pickers.js";

/**
 * Show the controls that a model has, and let them work.
 *
 * @param {function(string): HTMLElement} at an element by its id.
 * @param {object} spec of readSpec.
 * @param {Explorer} explorer with its first samples drawn.
 */
export function connect(at, spec, explorer) {
  at("play").hidden = !explorer.walks;
  at("directions").hidden = !explorer.sliders.rows.length;
  at("truncation-tool").hidden = !(spec.truncation === "z" && spec.inputs === "z" && spec.prior !== "spherical");
  makePickers(at("pickers"), spec.attributes, (labels) => explorer.change({ labels }));

  at("tools").addEventListener("submit", (event) => event.preventDefault());
  at("seed").addEventListener("change", ({ target }) => explorer.begin(readSeed(target.value) ?? explorer.first));
  at("truncation").addEventListener("input", ({ target }) => {
    at("truncation-value").textContent = Number(target.value).toFixed(2);
    explorer.change({ truncation: Number(target.value) });
  });

  const actions = {
    new: () => explorer.renew(),
    play: () => explorer.playOrPause(),
    save: () => explorer.savePicture(),
    "save-grid": () => explorer.saveSamples(),
    reset: () => explorer.reset(),
  };
  for (const [id, action] of Object.entries(actions)) at(id).addEventListener("click", action);
  const { new: n, play, save: s, reset: r } = actions;
  onKeys({ n, s, r, " ": play, t: () => at("theme").click() });
}
