// The page: loads the model, and joins its parts.

import { connect } from "./controls.js";
import { Explorer, readSeed } from "./explorer.js";
import { fetchBytes } from "./files.js";
import { readSpec } from "./metadata.js";
import { Painter } from "./painter.js";
import { size } from "./pictures.js";
import { keepInSight } from "./sight.js";
import { followTheme } from "./theme.js";

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
  await explore(spec, painter, readDirections(demo.directions, spec));
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

async function explore(spec, painter, directions) {
  document.body.classList.toggle("small", Math.max(spec.width, spec.height) < SMALL_PX);
  document.body.classList.toggle("long", spec.attributes.length > 1);
  size(at("picture"), spec);
  const explorer = new Explorer({
    spec, painter, directions, picture: at("picture"), samples: at("grid"), sliders: at("sliders"), onError: fail,
    onRate: (fps, ms) => (at("rate").textContent = `${fps.toFixed(0)} fps, ${ms.toFixed(1)} ms a picture`),
    onCaption, onFirst, onPlaying,
  });
  await explorer.begin(readSeed(address.searchParams.get("seed") ?? "0") ?? 0n);
  connect(at, spec, explorer);
  keepInSight(at("place"), spec);
}

function onCaption(text) {
  at("caption").textContent = text;
  at("picture").setAttribute("aria-label", `Generated picture. ${text}`);
}

/** The first seed is in the field, and in the address, which so is that of these samples. */
function onFirst(seed) {
  at("seed").value = String(seed);
  address.searchParams.set("seed", String(seed));
  history.replaceState(null, "", address);
}

function onPlaying(is) {
  // What changes all the time is not read out.
  at("caption").setAttribute("aria-live", is ? "off" : "polite");
  at("play").setAttribute("aria-pressed", String(is));
  at("play").firstElementChild.textContent = is ? "Pause" : "Play";
}
