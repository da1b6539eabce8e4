// A picture from an exported generator, as tfgan sample would draw it.
//
//   node sample.mjs MODEL.onnx [--seed 0] [--class 7] [--truncation 1] [--out picture.png]

import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import ort from "onnxruntime-node";
import { PNG } from "pngjs";

import { Generator } from "../../export/web/page/generator.js";
import { readSpec } from "../../export/web/page/metadata.js";

const GREY = 0;
const RGB = 2;

main().catch((error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "0" },
      class: { type: "string", multiple: true, default: [] },
      truncation: { type: "string", default: "1" },
      out: { type: "string", default: "picture.png" },
    },
  });
  const [path] = positionals;
  const truncation = Number(values.truncation);
  if (positionals.length !== 1) throw new Error("name a model: node sample.mjs MODEL.onnx");
  if (!/^\d+$/.test(values.seed)) throw new Error(`--seed takes a whole number; got ${values.seed}`);
  if (!(truncation >= 0 && truncation <= 1)) throw new Error(`--truncation takes 0 to 1; got ${values.truncation}`);

  const model = await readFile(path);
  const spec = readSpec(model);
  if (truncation !== 1 && (spec.truncation !== "z" || spec.inputs !== "z")) {
    throw new Error("--truncation: this model has none to choose");
  }
  const mapping = spec.inputs === "w" ? await open(await readFile(path.replace(/\.onnx$/, ".mapping.onnx"))) : null;
  const generator = new Generator(ort, await open(model), spec, mapping);

  const { width, height, channels } = spec;
  const data = Buffer.from(await generator.sample([BigInt(values.seed)], chosen(spec, values.class), truncation));
  const colorType = channels === 1 ? GREY : RGB;
  const png = PNG.sync.write({ width, height, data }, { colorType, inputColorType: colorType, inputHasAlpha: false });
  await writeFile(values.out, png);
  console.log(`wrote ${values.out} (${width}x${height}, seed ${values.seed})`);
}

function open(model) {
  return ort.InferenceSession.create(model);
}

/** The index of each attribute's value: of `--class 7` for a single one, of `--class hair=brown` for several. */
function chosen({ attributes }, texts) {
  const indices = attributes.map(() => null);
  for (const text of texts) {
    const named = attributes.findIndex(({ name }) => text.startsWith(`${name}=`));
    const a = named < 0 && attributes.length === 1 ? 0 : named;
    const value = named < 0 ? text : text.slice(attributes[named].name.length + 1);
    if (a < 0) throw new Error(`--class ${text}: name one of ${attributes.map(({ name }) => `${name}=`).join(", ") || "none"}`);
    indices[a] = attributes[a].values.indexOf(value);
    if (indices[a] < 0) throw new Error(`--class ${text}: legal are ${attributes[a].values.join(", ")}`);
  }
  return indices;
}
