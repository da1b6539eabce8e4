"""The page's modules in Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
PAGE = Path(__file__).parents[3] / "export/web/page"
needs_node = pytest.mark.skipif(NODE is None, reason="no Node")

# BigInt has no JSON: it goes as text, and typed arrays as lists.
_PROGRAM = """
import { readFileSync } from "node:fs";
const given = JSON.parse(readFileSync(0, "utf8"));
const bytes = (path) => new Uint8Array(readFileSync(path));
const answer = await (async () => { BODY })();
const plain = (key, value) =>
  typeof value === "bigint" ? String(value) : ArrayBuffer.isView(value) ? Array.from(value) : value;
console.log(JSON.stringify(answer ?? null, plain));
"""


def in_node(imports, body, **given):
    """What a function's body in JavaScript returns; `imports` are pairs of names and module, `given` is an object."""
    lines = [f"import {{ {names} }} from {json.dumps((PAGE / module).as_uri())};" for names, module in imports]
    program = "\n".join([*lines, _PROGRAM.replace("BODY", body)])
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", program], input=json.dumps(given), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
