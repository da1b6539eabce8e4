// onnxruntime-web: which of its two builds, from where, and a session on the best device that gives right pictures.

import { fetchBytes } from "./files.js";
import { Generator } from "./generator.js";

// More threads than this gain little on networks of this size.
const MOST_THREADS = 4;
// A GPU rounds otherwise than a CPU; beyond this many grey levels it is wrong.
const LEVELS = 2;

/**
 * Open a model on WebGPU where there is one and its picture is right, and else on WebAssembly.
 *
 * @param {object} options `engine` and `reference` of demo.json; `base`, the page's address; `model` and `mapping`,
 *   bytes of the files, the second perhaps null; `spec` of readSpec; `wanted`, "webgpu", "wasm" or "auto";
 *   `onProgress`, called with how many bytes of how many are there.
 * @returns {Promise<{generator: Generator, backend: string, threads: number, note: string}>} note: why not WebGPU,
 *   where that was there; "" otherwise.
 */
export async function openGenerator({ engine, reference, base, model, mapping, spec, wanted, onProgress }) {
  const gpu = wanted !== "wasm" && engine.builds.webgpu && (await hasGpu(wanted === "webgpu"));
  const ort = await loadOrt(engine, gpu ? "webgpu" : "wasm", base, onProgress);
  const threads = ort.env.wasm.numThreads;
  const open = async (provider) => {
    const options = { executionProviders: [provider], logSeverityLevel: 3 };
    const session = (bytes) => ort.InferenceSession.create(bytes, options);
    return new Generator(ort, await session(model), spec, mapping && (await session(mapping)));
  };
  let note = "";
  if (gpu) {
    try {
      const generator = await open("webgpu");
      const off = await distance(generator, reference);
      if (off <= LEVELS) return { generator, backend: "WebGPU", threads, note };
      note = `WebGPU gave pictures that are ${off} grey levels off`;
    } catch (error) {
      note = `WebGPU failed: ${error.message}`;
    }
  }
  try {
    return { generator: await open("wasm"), backend: "WebAssembly", threads, note };
  } catch (error) {
    throw new Error(`The model could not be opened: ${error.message}`);
  }
}

/** Whether there is a GPU; one that is only imitated, and slower than WebAssembly, counts where `any` does. */
async function hasGpu(any) {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    return Boolean(adapter) && (any || !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
  } catch {
    return false;
  }
}

/** The module onnxruntime-web, its WebAssembly already fetched. */
async function loadOrt({ base: folder, local, builds }, name, base, onProgress) {
  const { module, binary } = builds[name];
  const url = (file) => new URL(folder + file.name, base);
  const what = "onnxruntime-web, which runs the model,";
  const loaded = (file, onProgress) =>
    fetchBytes(url(file), { what, bytes: file.bytes, integrity: local ? undefined : file.integrity, onProgress });
  let address = url(module).href;
  if (!local) {
    // An import cannot be checked everywhere; a fetch can.
    const code = await loaded(module);
    address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  }
  const ort = await import(address).catch(() => {
    throw new Error(`${what} could not be loaded from ${url(module).pathname}. Write the folder again.`);
  });
  ort.env.wasm.wasmBinary = await loaded(binary, (bytes) => onProgress(bytes, binary.bytes));
  // Threads share memory, which browsers allow only to isolated pages; they start from the module's own address.
  const cores = navigator.hardwareConcurrency || 1;
  ort.env.wasm.numThreads = self.crossOriginIsolated && local ? Math.min(MOST_THREADS, Math.ceil(cores / 2)) : 1;
  ort.env.logLevel = "error";
  return ort;
}

/** How many grey levels a generator's picture is at most from the one that Python made. */
async function distance(generator, { seed, pixels }) {
  const expected = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const found = await generator.sample([BigInt(seed)]);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0);
}
