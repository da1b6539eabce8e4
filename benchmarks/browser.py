"""How fast a model runs in a browser: python benchmarks/browser.py MODEL.onnx [...]

Opens each model's demo in headless Chromium, lets it walk between samples, and prints: from the address to the first
pictures; frames a second of the walk, which the screen's 60 bound; the median time of a picture alone, beside that of
Sampler in Python on one thread; and pictures a second in sets of 16. One thread and WebAssembly, as on a host that
sends no special headers; --threads lets the page have more, --gpu a GPU where Chromium finds one.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/export/web"))
from devtools import Chromium

from tfgan_kit.export import Sampler
from tfgan_kit.export.web import serving, write_demo

WALK_S = 6
RUNS = 30
SET = 16
# A worker of its own: the page's has the walk to do.
TIMED = """(async () => {
  const { Painter } = await import("./painter.js");
  const { fetchBytes } = await import("./files.js");
  const { readSpec } = await import("./metadata.js");
  const demo = await (await fetch("demo.json")).json();
  const model = await fetchBytes("generator.onnx", {});
  const mapping = demo.mapping && (await fetchBytes(demo.mapping.file, {}));
  const painter = new Painter(() => {});
  const { engine, reference } = demo;
  const base = new URL(".", location).href;
  await painter.open({ engine, reference, base, model, mapping, spec: readSpec(model), wanted: WANTED });
  const times = {};
  for (const count of [1, SET]) {
    const inputs = await painter.inputs(Array.from({ length: count }, (_, i) => BigInt(i)), []);
    times[count] = [];
    for (let run = 0; run < RUNS; run++) times[count].push((await painter.paint(inputs)).ms);
  }
  painter.worker.terminate();
  return times;
})()"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL.onnx")
    parser.add_argument("--threads", action="store_true", help="let the page be isolated, and have several threads")
    parser.add_argument("--gpu", action="store_true", help="let Chromium use a GPU")
    options = parser.parse_args()
    head = ("model", "backend", "first s", "fps", "ms a picture", "Python ms", "ratio", f"a second in {SET}s")
    print("{:<22}{:<24}{:>8}{:>6}{:>14}{:>11}{:>7}{:>17}".format(*head))
    for model in options.models:
        figures = measure(model, options)
        print("{:<22}{:<24}{:>8.2f}{:>6.0f}{:>14.2f}{:>11.2f}{:>7.1f}{:>17.0f}".format(*figures), flush=True)


def measure(model, options):
    wanted = "auto" if options.gpu else "wasm"
    flags = [] if options.gpu else ["--disable-gpu"]
    with tempfile.TemporaryDirectory() as work:
        demo = write_demo(model, Path(work) / "page")
        with serving(demo.folder, isolated=options.threads) as address, Chromium(Path(work) / "user", *flags) as page:
            started = time.perf_counter()
            page.show(f"{address}?backend={wanted}")
            if page.ready() != "ready":
                sys.exit(page.value("document.getElementById('problem').innerText"))
            first = time.perf_counter() - started
            page.click("#play")
            time.sleep(WALK_S)
            rate = page.value("document.getElementById('rate').textContent")
            page.click("#play")
            program = TIMED.replace("WANTED", f'"{wanted}"').replace("SET", str(SET)).replace("RUNS", str(RUNS))
            times = page.value(program)
            backend = page.value("document.getElementById('backend').textContent")
    alone, together = statistics.median(times["1"]), statistics.median(times[str(SET)])
    python = python_ms(model)
    fps = float(rate.split()[0]) if rate else float("nan")
    name = model.parent.name if model.stem == "generator" else model.stem
    return name, backend, first, fps, alone, python, alone / python, 1000 * SET / together


def python_ms(model):
    sampler = Sampler(model, threads=1)
    times = []
    for seed in range(RUNS):
        started = time.perf_counter()
        sampler.sample([seed])
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


if __name__ == "__main__":
    main()
