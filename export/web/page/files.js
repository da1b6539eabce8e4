// Fetching what the page needs, with progress, and with words for what goes wrong.

/**
 * The bytes of a file.
 *
 * @param {string|URL} url where it is.
 * @param {object} options `what` it is, for errors; `bytes`, its size, for progress; `integrity`, a subresource
 *   integrity hash that it must have; `onProgress`, called with how many bytes are there.
 * @returns {Promise<Uint8Array>} its content.
 * @throws {Error} not there, cut off or changed; the message is a sentence for the visitor.
 */
export async function fetchBytes(url, { what, bytes, integrity, onProgress = () => {} }) {
  let response;
  try {
    response = await fetch(url, { integrity: integrity ?? "" });
  } catch {
    const changed = integrity ? ", or is not the file that this page was made for" : "";
    throw new Error(`${what} could not be loaded${changed}. Check the connection, and load the page again.`);
  }
  if (!response.ok) {
    const status = `the server answered ${response.status} to ${new URL(url, location.href).pathname}`;
    throw new Error(`${what} is not there: ${status}. Write the folder again with tfgan demo MODEL.onnx --out DIR.`);
  }
  const parts = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(`${what} stopped loading after ${loaded} bytes. Check the connection, and load the page again.`);
    });
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onProgress(loaded);
  }
  if (bytes && loaded !== bytes) {
    throw new Error(`${what} has ${loaded} bytes in place of ${bytes}. Copy the folder again, whole.`);
  }
  const whole = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
