// Ways from one latent to another. Latents are Float32Array of one row.

/**
 * The latent at t between a and b.
 *
 * @param {Float32Array} a at t = 0.
 * @param {Float32Array} b at t = 1, of the same length.
 * @param {number} t in [0, 1].
 * @param {string} path "slerp", along the arc, with lengths in proportion; or "lerp", straight.
 * @returns {Float32Array} of the same length.
 */
export function between(a, b, t, path) {
  const [lengthA, lengthB] = [length(a), length(b)];
  const cosine = lengthA && lengthB ? a.reduce((sum, value, i) => sum + value * b[i], 0) / (lengthA * lengthB) : 1;
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  // Parallel ones have no arc between them, opposite ones no single arc.
  if (path === "lerp" || Math.sin(angle) < 1e-4) return a.map((value, i) => value + t * (b[i] - value));
  const [fromA, fromB] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  const wanted = lengthA + t * (lengthB - lengthA);
  return a.map((value, i) => wanted * ((fromA * value) / lengthA + (fromB * b[i]) / lengthB));
}

/** The path that keeps to where a prior has its mass: w and a cube's points go straight. */
export function pathOf({ inputs, prior }) {
  return inputs === "w" || prior === "uniform" ? "lerp" : "slerp";
}

/**
 * A latent moved along directions, and brought back to where the prior has its values.
 *
 * @param {Float32Array} latent one row; it is left as it is.
 * @param {Float32Array[]} directions of the same length, each one standard deviation long.
 * @param {number[]} offsets how many deviations along each.
 * @param {object} spec of readSpec.
 * @returns {Float32Array} one row.
 */
export function moved(latent, directions, offsets, { inputs, prior }) {
  const out = Float32Array.from(latent);
  directions.forEach((direction, k) => {
    if (offsets[k]) direction.forEach((value, i) => (out[i] += offsets[k] * value));
  });
  if (inputs === "w" || !offsets.some(Boolean)) return out;
  if (prior === "uniform") return out.map((value) => Math.min(1, Math.max(-1, value)));
  if (prior === "spherical") {
    const scale = Math.sqrt(out.length) / (length(out) || 1);
    return out.map((value) => value * scale);
  }
  return out;
}

/** 0 to 1 as t goes from 0 to 1, without a jolt at either end. */
export function eased(t) {
  return t * t * (3 - 2 * t);
}

function length(row) {
  return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
}
