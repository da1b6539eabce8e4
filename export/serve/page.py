"""The page at /: a form and the picture it asks for. Nothing of it comes from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import html

from tfgan_kit.export.serve.openapi import truncatable
from tfgan_kit.export.serve.query import FORMATS
from tfgan_kit.export.spec import ModelSpec

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 }
p { margin: .3rem 0 1rem; opacity: .75 }
form { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end }
label { display: grid; font-size: .85rem; gap: .2rem }
input, select, button { font: inherit; box-sizing: border-box; height: 2.3rem; padding: 0 .5rem; max-width: 11rem }
input[type=number] { width: 7rem }
figure { margin: 1.2rem 0 }
img { width: 100%; max-height: 70vh; object-fit: contain; object-position: left top; image-rendering: pixelated }
code { overflow-wrap: anywhere; font-size: .85rem }
nav { display: flex; gap: 1rem; font-size: .9rem }
""".strip()

_SCRIPT = """
const form = document.querySelector("form"), img = document.querySelector("img"), line = document.querySelector("code");
let shown = "";
function draw() {
  if (!form.checkValidity()) return;
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  const address = "sample?" + query;
  if (address === shown) return;
  shown = address;
  img.src = address;
  line.textContent = new URL(address, location);
}
img.onerror = async () => {
  const answer = await fetch(shown);
  if (!answer.ok) line.textContent = (await answer.json()).detail;
};
form.oninput = draw;
form.onsubmit = (event) => { event.preventDefault(); draw(); };
document.querySelector("button").onclick = () => {
  form.elements.seed.value = Math.floor(Math.random() * 1e6);
  draw();
};
draw();
""".strip()


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# What the page may load: its own script and style, and pictures of this service.
CONTENT_POLICY = (
    f"default-src 'none'; script-src {_hashed(_SCRIPT)}; style-src {_hashed(_STYLE)}; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(spec: ModelSpec, *, max_n: int, digest: str) -> str:
    """The page of a model.

    Args:
        spec: of the model.
        max_n: most pictures a request.
        digest: of the model file.
    """
    name, count = html.escape(spec.recipe_name), min(16, max_n)
    forms = "".join(f"<option>{form}</option>" for form in FORMATS if form != "npy")
    field = '<input name="truncation" type="number" min="0" max="1" step="0.05" value="1" required>'
    truncation = f"<label>Truncation {field}</label>" if truncatable(spec) else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Pictures of {name}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Pictures of {name}</h1>
<p>{spec.height}x{spec.width} px, {spec.nimg:,} images seen in training. The same seed is the same picture.</p>
<form action="sample">
<label>Seed <input name="seed" type="number" min="0" max="{2**53}" value="0" required></label>
<label>Pictures <input name="n" type="number" min="1" max="{max_n}" value="{count}" required></label>
{"".join(_choice(spec, attribute) for attribute in spec.attributes)}
{truncation}
<label>Format <select name="format">{forms}</select></label>
<input type="hidden" name="model" value="{html.escape(digest)}">
<button type="button">New seed</button>
</form>
<figure>
<img alt="The pictures of these seeds">
<figcaption><code></code></figcaption>
</figure>
<nav><a href="openapi.json">OpenAPI</a> <a href="metrics">Metrics</a> <a href="healthz">Health</a></nav>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _choice(spec: ModelSpec, attribute: str) -> str:
    """A list of the values of an attribute, named as a request names them."""
    several = len(spec.attributes) > 1
    options = "".join(
        f'<option value="{html.escape(f"{attribute}={value}" if several else value)}">{html.escape(value)}</option>'
        for value in spec.attributes[attribute]
    )
    title = html.escape(attribute.replace("_", " ").capitalize())
    return f'<label>{title} <select name="class"><option value="">by the seed</option>{options}</select></label>\n'
