// The page: loads the model, and joins its parts.

import { fetchBytes } from "./files.js";
import { Grid } from "./grid.js";
import { onKeys } from "./keys.js";
import { latest } from "./latest.js";
import { readSpec } from "./metadata.js";
import { Painter } from "./painter.js";
import { makePickers } from "./pickers.js";
import { save, sheet, size } from "./pictures.js";
import { part, split } from "./rows.js";
import { Sliders } from "./sliders.js";
import { Stage } from "./stage.js";
import { followTheme } from "./theme.js";

const SAMPLES = 24;
// Pictures of a grid that are asked for at a time, so that the first ones are soon there.
const PART = 8;
// Random first seeds are below this: short enough to be told to someone.
const RANDOM_BELOW = 1_000_000;
const LAST_SEED = (1n << 63n) - 1n;
const SMALL_PX = 48;
const at = (id) => document.getElementById(id);
const address = new URL(location.href);

document.body.dataset.begun = "";
followTheme(at("theme"));
start().catch(fail);

async function start() {
  if (typeof WebAssembly !== "object") {
    throw new Error("This browser has no WebAssembly, which runs the model. Use a current one.");
  }
  const demo = await loadDemo();
  const { model, mapping } = demo;
  const [bytes, mappingBytes] = [await loadModel(model), mapping && (await loadModel(mapping))];
  const spec = readSpec(bytes);
  describe(spec);
  const painter = new Painter((loaded, total) => loading("Loading what runs it", loaded, total));
  loading("Loading what runs it", 0, 1);
  const request = { engine: demo.engine, reference: demo.reference, base: new URL(".", address).href };
  const wanted = address.searchParams.get("backend") ?? "auto";
  const opened = await painter.open({ ...request, model: bytes, mapping: mappingBytes, spec, wanted });
  const threads = `${opened.threads} thread${opened.threads > 1 ? "s" : ""}`;
  at("backend").textContent = opened.backend === "WebGPU" ? opened.backend : `${opened.backend}, ${threads}`;
  at("backend").title = opened.note;
  await run(spec, painter, readDirections(demo.directions, spec));
  document.body.dataset.state = "ready";
}

async function loadDemo() {
  const bytes = await fetchBytes("demo.json", { what: "The file demo.json, which says what the page shows," });
  return JSON.parse(new TextDecoder().decode(bytes));
}

function loadModel({ file, bytes }) {
  const onProgress = (loaded) => loading("Loading the model", loaded, bytes);
  return fetchBytes(file, { what: `The model file ${file}`, bytes, onProgress });
}

function loading(what, loaded, total) {
  at("loading-what").textContent = what;
  at("loading-bar").value = loaded / total;
}

function fail(error) {
  at("problem-text").textContent = error.message;
  at("problem").hidden = false;
  document.body.dataset.state = document.body.dataset.state === "ready" ? "ready" : "failed";
}

function describe({ name, height, width, channels, attributes, nimg }) {
  document.title = name;
  at("name").textContent = name;
  const labels = attributes.length === 1 ? `, ${attributes[0].values.length} classes` : "";
  const several = attributes.length > 1 ? `, ${attributes.length} attributes` : "";
  const seen = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(nimg);
  const pixels = `${width} × ${height} px${channels === 1 ? ", grey" : ""}`;
  at("about").textContent = `${pixels}${labels}${several}. Saw ${seen} pictures in training; runs on your machine.`;
}

/** The rows of the directions, which demo.json holds as the bytes of little-endian float32. */
function readDirections({ vectors, shares }, { inputs, zDim, wDim }) {
  const dim = inputs === "w" ? wDim : zDim;
  const bytes = Uint8Array.from(atob(vectors), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  return shares.map((_, k) => values.subarray(k * dim, (k + 1) * dim));
}

async function run(spec, painter, directions) {
  const state = { first: readSeed(address.searchParams.get("seed") ?? "0") ?? 0n, chosen: [], truncation: 1 };
  const steerable = spec.inputs !== "seed";
  document.body.classList.toggle("small", Math.max(spec.width, spec.height) < SMALL_PX);
  document.body.classList.toggle("long", spec.attributes.length > 1);
  size(at("picture"), spec);
  let inputs = null;

  const stage = new Stage({
    canvas: at("picture"), painter, spec, directions, onError: fail,
    onRate: (fps, ms) => (at("rate").textContent = `${fps.toFixed(0)} fps, ${ms.toFixed(1)} ms a picture`),
    onCaption(name) {
      at("caption").textContent = name;
      at("picture").setAttribute("aria-label", `Generated picture. ${name}`);
    },
  });
  const grid = new Grid(at("grid"), SAMPLES, spec, (index) => {
    stop();
    choose(index);
  });
  const sliders = new Sliders(at("sliders"), directions.length, spec, (offsets) => stage.move(offsets));

  const nameOf = (i) => [`Seed ${inputs.seeds[i]}`, ...labelNames(spec, inputs.labels, i)].join(", ");
  const baseOf = (i) => {
    const row = (array) => array && array.subarray((i * array.length) / SAMPLES, ((i + 1) * array.length) / SAMPLES);
    const { latent, labels, noise, seeds } = inputs;
    const one = { latent: row(latent), labels: row(labels), noise: row(noise), seeds: [seeds[i]] };
    const held = labelNames(spec, labels, i).join(", ");
    return { ...one, truncation: state.truncation, seed: seeds[i], held, name: nameOf(i) };
  };
  const choose = (index) => {
    stage.show(baseOf(index));
    showEnds();
  };

  const showEnds = latest(async (isLatest) => {
    if (!directions.length) return;
    const { pixels } = await painter.paint(stage.at(sliders.ends()));
    if (isLatest()) sliders.show(split(pixels, spec));
  }, fail);

  const showGrid = latest(async (isLatest) => {
    const seeds = Array.from({ length: SAMPLES }, (_, i) => state.first + BigInt(i));
    const fresh = await painter.inputs(seeds, state.chosen);
    if (!isLatest()) return;
    inputs = fresh;
    stage.show(baseOf(grid.chosen));
    for (let i = 0; i < SAMPLES; i += PART) {
      const { pixels } = await painter.paint(part(inputs, i, PART, state.truncation));
      if (!isLatest()) return;
      split(pixels, spec).forEach((picture, j) => grid.show(i + j, picture, nameOf(i + j)));
    }
    showEnds();
  }, fail);

  const begin = (first) => {
    stop();
    state.first = first;
    at("seed").value = String(first);
    address.searchParams.set("seed", String(first));
    history.replaceState(null, "", address);
    grid.choose(0);
    return showGrid();
  };
  const renew = () => begin(BigInt(Math.floor(Math.random() * RANDOM_BELOW)));

  const stop = () => {
    if (!stage.walking) return;
    stage.stop();
    playing(false);
    showEnds();
  };
  const play = () => {
    if (!steerable) return;
    if (stage.walking) {
      stop();
      return;
    }
    let index = grid.chosen;
    stage.walk(() => {
      grid.choose(index);
      index = (index + 1) % SAMPLES;
      return baseOf(index);
    });
    playing(true);
  };
  const savePicture = () => save(at("picture"), `${spec.name}-${at("caption").textContent.toLowerCase()}`);
  const reset = () => {
    sliders.reset();
    stage.move(sliders.offsets());
  };

  makePickers(at("pickers"), spec.attributes, (chosen) => {
    state.chosen = chosen;
    stop();
    showGrid();
  });
  at("play").hidden = !steerable;
  at("directions").hidden = !directions.length;
  at("truncation-tool").hidden = !(spec.truncation === "z" && spec.inputs === "z" && spec.prior !== "spherical");
  at("truncation").addEventListener("input", ({ target }) => {
    at("truncation-value").textContent = Number(target.value).toFixed(2);
    state.truncation = Number(target.value);
    stop();
    showGrid();
  });
  at("tools").addEventListener("submit", (event) => event.preventDefault());
  at("seed").addEventListener("change", ({ target }) => begin(readSeed(target.value) ?? state.first));
  at("new").addEventListener("click", renew);
  at("play").addEventListener("click", play);
  at("save").addEventListener("click", savePicture);
  at("save-grid").addEventListener("click", () => {
    const canvases = grid.cells.map(({ canvas }) => canvas);
    save(sheet(canvases, grid.columns()), `${spec.name}-seeds-${state.first}`);
  });
  at("reset").addEventListener("click", reset);
  onKeys({ n: renew, s: savePicture, r: reset, t: () => at("theme").click(), " ": play });
  await begin(state.first);
}

function playing(is) {
  // What changes all the time is not read out.
  at("caption").setAttribute("aria-live", is ? "off" : "polite");
  at("play").setAttribute("aria-pressed", String(is));
  at("play").firstElementChild.textContent = is ? "Pause" : "Play";
}

/** A whole number in [0, 2**63) that leaves room for the others of the grid; null for other text. */
function readSeed(text) {
  if (!/^\d{1,19}$/.test(text.trim())) return null;
  const seed = BigInt(text.trim());
  return seed <= LAST_SEED - BigInt(SAMPLES) ? seed : null;
}

function labelNames({ attributes }, labels, i) {
  return attributes.map(({ name, values }, a) => {
    const value = values[labels[i * attributes.length + a]];
    return `${name.replaceAll("_", " ")} ${value}`;
  });
}
