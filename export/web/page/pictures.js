// Pictures on canvases, and as files.

/**
 * Put a picture on a canvas, which takes its size.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8ClampedArray} pixels (height, width, channels) grey levels; 1 channel is grey, 3 are RGB, 4 RGBA.
 * @param {object} spec height, width and channels, as of readSpec.
 */
export function draw(canvas, pixels, { height, width, channels }) {
  size(canvas, { height, width });
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += channels, to += 4) {
    image.data[to] = pixels[from];
    image.data[to + 1] = pixels[from + (channels > 2 ? 1 : 0)];
    image.data[to + 2] = pixels[from + (channels > 2 ? 2 : 0)];
    image.data[to + 3] = channels === 4 ? pixels[from + 3] : 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Give a canvas its pixels, and its shape on the page, before there is a picture. */
export function size(canvas, { height, width }) {
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
  canvas.style.aspectRatio = `${width} / ${height}`;
}

/** Let the visitor keep a canvas as a PNG, every pixel as it is. */
export async function save(canvas, name) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/[^\w.-]+/g, "-")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Canvases of one size side by side on a new one. */
export function sheet(canvases, columns) {
  const [{ width, height }] = canvases;
  const whole = document.createElement("canvas");
  whole.width = columns * width;
  whole.height = Math.ceil(canvases.length / columns) * height;
  const context = whole.getContext("2d");
  canvases.forEach((canvas, i) => {
    context.drawImage(canvas, (i % columns) * width, Math.floor(i / columns) * height);
  });
  return whole;
}
