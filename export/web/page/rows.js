// Arrays of rows, a row a picture.

/** Rows of the inputs of a grid, its truncation done. */
export function part({ count, latent, labels, noise, seeds }, start, rows, truncation) {
  const of = (array) => array && array.slice((start * array.length) / count, ((start + rows) * array.length) / count);
  const psi = Math.fround(truncation);
  const z = of(latent);
  return {
    count: rows,
    latent: z && (psi === 1 ? z : z.map((value) => value * psi)),
    labels: of(labels),
    noise: of(noise),
    seeds: seeds.slice(start, start + rows),
  };
}

/** The pictures of pixels, each a part of them. */
export function split(pixels, { height, width, channels }) {
  const size = height * width * channels;
  return Array.from({ length: pixels.length / size }, (_, i) => pixels.subarray(i * size, (i + 1) * size));
}

/** Rows one after the other in one array. */
export function joined(rows) {
  const whole = new rows[0].constructor(rows.length * rows[0].length);
  rows.forEach((row, i) => whole.set(row, i * row.length));
  return whole;
}
