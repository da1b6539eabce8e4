// What a tfgan .onnx says of itself, read from its bytes. No dependencies; browsers and Node.
//
// onnxruntime's JavaScript does not show a model's metadata. An .onnx is a protobuf ModelProto; its field 14 holds
// pairs of key and value, of which "tfgan" is ours. All other fields are skipped, the weights among them.

const METADATA = 14;
const [KEY, VALUE] = [1, 2];
const FORMAT = 1;
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/**
 * @param {Uint8Array} model the content of the .onnx.
 * @returns {object} what there is to know to sample from it; see readSpec's last lines for the names.
 * @throws {Error} not of tfgan-kit, damaged, or of a newer format; the message says which.
 */
export function readSpec(model) {
  let text;
  try {
    text = property(model, "tfgan");
  } catch {
    throw new Error("The model file is damaged or cut off: it is not readable as ONNX.");
  }
  if (text === undefined) throw new Error("The file is no model of tfgan-kit: tfgan export --onnx writes one.");
  const content = JSON.parse(text);
  if (content.format > FORMAT) {
    throw new Error(`The model has format ${content.format}, newer than this program reads.`);
  }
  const { images, z } = content;
  return {
    name: content.recipe.name,
    nimg: content.nimg,
    precision: content.precision?.of ?? "float32",
    inputs: content.inputs ?? "z",
    zDim: z.dim,
    prior: z.prior,
    wDim: content.w?.dim ?? 0,
    noiseDim: content.noise?.dim ?? 0,
    maxBatch: content.max_batch ?? null,
    // "z": a factor of z may be chosen; "w" and "none": it may not.
    truncation: content.truncation?.of ?? "z",
    attributes: attributes(content),
    counts: content.counts ?? [],
    height: images.height,
    width: images.width,
    channels: images.channels,
    layout: images.layout,
    dtype: images.dtype,
  };
}

/** [{name, values}], in the order of the columns of the input `labels`. */
function attributes(content) {
  if (content.classes) return [{ name: "class", values: content.classes }];
  const several = Object.entries(content.attributes ?? {});
  // JavaScript moves such keys of an object to its front.
  if (several.some(([name]) => /^\d+$/.test(name))) {
    throw new Error("An attribute's name is a whole number, and their order is lost: rename it, and train again.");
  }
  return several.map(([name, values]) => ({ name, values }));
}

/** The value of a metadata property; undefined where there is none. */
function property(model, name) {
  for (const entry of fields(model)) {
    if (entry.number !== METADATA) continue;
    const pair = {};
    for (const { number, bytes } of fields(entry.bytes)) pair[number] = new TextDecoder().decode(bytes);
    if (pair[KEY] === name) return pair[VALUE];
  }
  return undefined;
}

/** The fields of a protobuf message: their number, and for those that have a length their bytes. */
function* fields(message) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= message.length || scale > 2 ** 63) throw new Error("cut off");
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [number, kind] = [Math.floor(tag / 8), tag % 8];
    let bytes = null;
    if (kind === VARINT) varint();
    else if (kind === FIXED64) at += 8;
    else if (kind === FIXED32) at += 4;
    else if (kind === BYTES) {
      const length = varint();
      bytes = message.subarray(at, at + length);
      at += length;
    } else throw new Error("no protobuf");
    if (at > message.length) throw new Error("cut off");
    yield { number, bytes };
  }
}
