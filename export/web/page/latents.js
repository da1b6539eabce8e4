// What a seed stands for: z, classes and noise, as tfgan_kit/latents.py has it. No dependencies; browsers and Node.
//
// A seed is the key of the counter-based generator Philox-4x32-10; the position within a row is its counter, and z,
// classes and noise have streams of their own. Integers are equal to Python's; z and noise are within one step of
// float32, as far as Math.log, Math.cos and Math.sin are from numpy's.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011); Box and Muller (1958).

export const PRIORS = ["normal", "uniform", "spherical"];

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const WEYL = [0x9e3779b9, 0xbb67ae85];
const ROUNDS = 10;
const [Z, CLASSES, NOISE] = [0, 1, 2];
const LIMIT = 1n << 63n;

/**
 * The latents of seeds, one row a seed.
 *
 * @param {Array<number|bigint>} seeds whole numbers in [0, 2**63); above 2**53 as BigInt.
 * @param {number} dim length of z.
 * @param {string} prior "normal", "uniform" (in [-1, 1]) or "spherical" (on the sphere of radius sqrt(dim)).
 * @returns {Float32Array} seeds.length * dim values, row by row.
 */
export function zFromSeeds(seeds, dim, prior = "normal") {
  if (!PRIORS.includes(prior)) throw new RangeError(`prior ${prior} is unknown; legal: ${PRIORS.join(", ")}`);
  const rows = new Float32Array(seeds.length * dim);
  seeds.forEach((seed, i) => {
    if (prior === "uniform") {
      rows.set(unit(seed, dim, Z).map((u) => 2 * u - 1), i * dim);
      return;
    }
    const row = normal(seed, dim, Z);
    if (prior === "spherical") {
      const scale = Math.sqrt(dim) / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
      for (let j = 0; j < dim; j++) row[j] *= scale;
    }
    rows.set(row, i * dim);
  });
  return rows;
}

/**
 * The class indices of seeds, one row a seed and one column an attribute.
 *
 * @param {Array<number|bigint>} seeds as in zFromSeeds.
 * @param {number[]} sizes how many values each attribute has.
 * @param {number[][]} counts pictures with each value, by attribute; []: all alike.
 * @returns {Int32Array} seeds.length * sizes.length indices, row by row.
 */
export function classesFromSeeds(seeds, sizes, counts = []) {
  const rows = new Int32Array(seeds.length * sizes.length);
  seeds.forEach((seed, i) => {
    if (sizes.length === 1) {
      rows[i] = Number(checked(seed) % BigInt(sizes[0]));
      return;
    }
    const drawn = words(seed, sizes.length, CLASSES);
    sizes.forEach((size, a) => {
      const of = counts.length ? counts[a] : new Array(size).fill(1);
      const total = of.reduce((sum, n) => sum + n, 0);
      // Which picture, were all of them in a row: the upper half of a 64-bit product.
      const picture = Number((BigInt(drawn[a]) * BigInt(total)) >> 32n);
      let end = of[0];
      let value = 0;
      while (end <= picture) end += of[++value];
      rows[i * sizes.length + a] = value;
    });
  });
  return rows;
}

/**
 * The network noise of seeds, standard normal, one row a seed.
 *
 * @param {Array<number|bigint>} seeds as in zFromSeeds.
 * @param {number} dim values a row.
 * @returns {Float32Array} seeds.length * dim values, row by row.
 */
export function noiseFromSeeds(seeds, dim) {
  const rows = new Float32Array(seeds.length * dim);
  seeds.forEach((seed, i) => rows.set(normal(seed, dim, NOISE), i * dim));
  return rows;
}

/** `count` 32-bit words of a stream of a seed. */
function words(seed, count, stream) {
  const key = checked(seed);
  const [low, high] = [Number(key & 0xffffffffn), Number(key >> 32n)];
  const out = new Uint32Array(4 * Math.ceil(count / 4));
  for (let block = 0; block < out.length / 4; block++) philox(low, high, block, stream, out, 4 * block);
  return out.subarray(0, count);
}

/** Philox-4x32-10 of a key at the counter (block, 0, stream, 0), put into `out` at `at`. */
function philox(k0, k1, block, stream, out, at) {
  let [c0, c1, c2, c3] = [block, 0, stream, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const [h0, h1] = [highProduct(MULTIPLIERS[0], c0), highProduct(MULTIPLIERS[1], c2)];
    const [l0, l1] = [Math.imul(MULTIPLIERS[0], c0), Math.imul(MULTIPLIERS[1], c2)];
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1 >>> 0, (h0 ^ c3 ^ k1) >>> 0, l0 >>> 0];
    [k0, k1] = [(k0 + WEYL[0]) >>> 0, (k1 + WEYL[1]) >>> 0];
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** The upper 32 bits of the product of two 32-bit numbers, by halves, since a double holds only 53 bits. */
function highProduct(a, b) {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const [cross1, cross2] = [aLow * bHigh, aHigh * bLow];
  const carry = (((aLow * bLow) >>> 16) + (cross1 & 0xffff) + (cross2 & 0xffff)) >>> 16;
  return aHigh * bHigh + (cross1 >>> 16) + (cross2 >>> 16) + carry;
}

/** Uniform in (0, 1): half a step above the integer, so that a logarithm is finite. */
function unit(seed, count, stream) {
  return Float64Array.from(words(seed, count, stream), (word) => (word + 0.5) * 2 ** -32);
}

/** Standard normal, in pairs by Box and Muller. */
function normal(seed, count, stream) {
  const row = unit(seed, count + (count % 2), stream);
  for (let i = 0; i < row.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(row[i]));
    const angle = 2 * Math.PI * row[i + 1];
    row[i] = radius * Math.cos(angle);
    row[i + 1] = radius * Math.sin(angle);
  }
  return row.subarray(0, count);
}

function checked(seed) {
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (!whole || seed < 0 || seed >= LIMIT) {
    throw new RangeError(`a seed is a whole number in [0, 2**63), above 2**53 a BigInt; got ${seed}`);
  }
  return BigInt(seed);
}
