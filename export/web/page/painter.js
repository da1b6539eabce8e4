// The page's side of worker.js: questions and their answers.

/** Makes pictures in a worker. */
export class Painter {
  /** @param {function(number, number): void} onProgress called with bytes loaded, and bytes in all. */
  constructor(onProgress) {
    this.waiting = new Map();
    this.next = 0;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => {
      if (data.kind === "progress") {
        onProgress(data.loaded, data.total);
        return;
      }
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error === undefined) resolve(data.answer);
      else reject(new Error(data.error));
    });
    this.worker.addEventListener("error", (event) => {
      event.preventDefault();
      const error = new Error("The page's worker could not start. Load the page again, in a current browser.");
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
  }

  /** Open a model, see openGenerator; its bytes are moved, and no longer here. */
  open(request) {
    const bytes = [request.model, request.mapping].filter(Boolean).map((part) => part.buffer);
    return this.ask("open", request, bytes);
  }

  /** The inputs of seeds with what is chosen of their labels: {count, latent, labels, noise, seeds}. */
  inputs(seeds, chosen) {
    return this.ask("inputs", { seeds, chosen });
  }

  /** The pictures of such inputs: {pixels, ms}. */
  paint(inputs) {
    return this.ask("paint", inputs);
  }

  ask(kind, request, transferred = []) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, kind, request }, transferred);
    });
  }
}
