"""The page in Chromium: Python's pictures, nothing asked of anyone, and every control by pointer and key."""

import base64
import io
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.export import Sampler
from tfgan_kit.export.web import serving, write_demo
from tfgan_kit.export.web.engine import CDN

tiny_models = pytest.importorskip("tiny_models", reason="no onnx", exc_type=ImportError)

GALLERY = Path(__file__).parents[3] / "artifacts/gallery/mnist/generator.onnx"
ATTRIBUTES = {"hair": ("brown", "black", "red"), "hat_size": ("s", "m")}
LEVEL = 1
# A browser without a GPU says so when it is asked for one.
HARMLESS = "No available adapters"
KINDS = {
    "z": {},
    "several": {"attributes": ATTRIBUTES, "counts": ((5, 1, 1), (1, 9)), "noise_dim": 5, "z_prior": "spherical"},
    "float-nchw": {"layout": "nchw", "dtype": "float32", "z_prior": "uniform", "max_batch": 5},
    "seed": {"inputs": "seed", "attributes": {"class": ("ant", "bee", "cat")}},
    "w": {"inputs": "w", "attributes": {"class": ("ant", "bee", "cat")}, "truncation": "w", "psi": 0.7},
}
MORE = {
    "uint8-nchw": {"layout": "nchw"},
    "one": {"attributes": {"class": ("ant", "bee", "cat")}},
}
PIXELS = """(() => {
  const canvas = document.querySelector("SELECTOR");
  return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
})()"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory, ort_web):
    """A function that writes the demo of a kind of model, once; the model and the folder."""
    root, made = tmp_path_factory.mktemp("demos"), {}

    def make(kind):
        if kind not in made:
            model = GALLERY if kind == "gallery" else root / f"{kind}.onnx"
            if kind != "gallery":
                tiny_models.write_tiny(model, **(KINDS | MORE)[kind])
            made[kind] = model, write_demo(model, root / f"{kind}-demo", ort_web=ort_web, webgpu=False).folder
        return made[kind]

    return make


@pytest.fixture
def opened(demo, chromium):
    """A function that shows the demo of a kind, its pictures drawn; the page and a Sampler of its model."""
    servers = []

    def show(kind, query="", **screen):
        model, folder = demo(kind)
        servers.append(serving(folder))
        chromium.show(servers[-1].__enter__() + query, **screen)
        assert chromium.ready() == "ready", chromium.value("document.body.innerText")
        return chromium, Sampler(model, threads=1)

    yield show
    for server in servers:
        server.__exit__(None, None, None)


def pixels(page, spec, selector="#picture"):
    """(H, W, C) of a canvas."""
    rgba = np.reshape(page.value(PIXELS.replace("SELECTOR", selector)), (spec.height, spec.width, 4)).astype(int)
    assert (rgba[..., 3] == 255).all()
    if spec.channels == 1:
        assert (rgba[..., :1] == rgba[..., :3]).all()
    return rgba[..., : spec.channels]


def caption(page):
    return page.value("document.getElementById('caption').textContent")


def focused(page):
    return page.value("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")


def settle(page):
    """Wait until what was asked for is drawn: the canvases stay as they are."""
    shot = "[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join()"
    before = None
    while before != (before := page.value(shot)):
        time.sleep(0.08)


@pytest.mark.parametrize("kind", [*KINDS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in MORE), "gallery"])
def test_pictures_are_those_of_python(opened, kind):
    page, sampler = opened(kind, "?seed=5")
    expected = sampler.sample(range(5, 29)).astype(int)
    assert np.ptp(expected) > 50
    assert np.abs(pixels(page, sampler.spec) - expected[0]).max() <= LEVEL
    for i in range(24):
        cell = pixels(page, sampler.spec, f"#grid button:nth-child({i + 1}) canvas")
        assert np.abs(cell - expected[i]).max() <= LEVEL, i
    assert caption(page).startswith("Seed 5")
    # Only controls that the model has, and every one with a name.
    shown = page.value("CONTROLS.filter(id => document.getElementById(id).checkVisibility())".replace(
        "CONTROLS", json.dumps(["play", "sliders", "truncation"])))  # fmt: skip
    assert shown == {"seed": [], "w": ["play", "sliders"], "several": ["play", "sliders"]}.get(
        kind, ["play", "sliders", "truncation"]
    )
    nameless = """[...document.querySelectorAll("button, select, input, [role=img], progress")]
      .filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).map(e => e.outerHTML)"""
    assert page.value(nameless) == []


def test_nothing_is_asked_of_anyone_and_nothing_complained_of(opened):
    page, _ = opened("gallery")
    page.click("#play")
    page.until("document.getElementById('rate').textContent")
    page.click("#play")
    origin = page.value("location.origin")
    assert all(address.startswith((origin, "blob:", "data:")) for address in page.asked)
    assert any(address.endswith(".wasm") for address in page.asked)
    assert [message for message in page.messages if HARMLESS not in message] == []
    assert page.value("document.getElementById('backend').textContent").startswith("WebAssembly")
    page.value("fetch('http://elsewhere.example/').catch(() => 0)")
    assert any("elsewhere.example" in message and "Content Security Policy" in message for message in page.messages)


@pytest.mark.parametrize("kind", ["one", "several"])
def test_what_is_chosen_of_the_labels(opened, kind):
    page, sampler = opened(kind)
    if kind == "one":
        page.value("document.querySelectorAll('.chips input')[3].click()")
        labels = "cat"
    else:
        change = "(e => { e.value = '2'; e.dispatchEvent(new Event('change')); })"
        page.value(f"{change}(document.querySelector('#pickers select'))")
        labels = {"hair": "red"}
    settle(page)
    expected = sampler.sample(range(24), labels).astype(int)
    assert np.abs(pixels(page, sampler.spec, "#grid button:nth-child(6) canvas") - expected[5]).max() <= LEVEL
    assert np.abs(pixels(page, sampler.spec) - expected[0]).max() <= LEVEL
    assert ("class cat" if kind == "one" else "hair red, hat size") in caption(page)


def test_truncation(opened):
    page, sampler = opened("gallery")
    slide = "(e => { e.value = '0.4'; e.dispatchEvent(new Event('input')); })(document.getElementById('truncation'))"
    page.value(slide)
    settle(page)
    expected = sampler.sample(range(24), truncation=0.4).astype(int)
    assert np.abs(pixels(page, sampler.spec) - expected[0]).max() <= LEVEL
    assert np.abs(pixels(page, sampler.spec, "#grid button:nth-child(24) canvas") - expected[23]).max() <= LEVEL


@pytest.mark.parametrize("kind", ["gallery", pytest.param("w", marks=pytest.mark.slow)])
def test_a_direction(opened, demo, kind):
    page, sampler = opened(kind)
    page.value("document.querySelector('#sliders input').focus()")
    for _ in range(20):
        page.press("ArrowRight")
    settle(page)
    about = json.loads((demo(kind)[1] / "demo.json").read_text())
    vector = np.frombuffer(base64.b64decode(about["directions"]["vectors"]), "<f4").reshape(-1, latent(sampler).size)[0]
    moved = latent(sampler) + np.float32(20 * 0.05) * vector
    expected = sampler.generate_w(moved[None]) if kind == "w" else sampler.generate(moved[None])
    assert np.abs(pixels(page, sampler.spec) - expected[0].astype(int)).max() <= LEVEL
    page.press("r")
    settle(page)
    assert np.abs(pixels(page, sampler.spec) - sampler.sample([0])[0].astype(int)).max() <= LEVEL
    assert page.value("document.querySelector('#sliders input').value") == "0"


def latent(sampler):
    """z of the seed 0, or its w."""
    from tfgan_kit.latents import z_from_seeds

    z = z_from_seeds([0], sampler.spec.z_dim, sampler.spec.z_prior)
    return (sampler.w_from_z(z, 0) if sampler.spec.inputs == "w" else z)[0]


def test_the_keyboard(opened):
    page, sampler = opened("gallery", "?seed=0")
    page.value("document.querySelector('#grid [tabindex=\"0\"]').focus()")
    page.press("ArrowRight")
    page.press("ArrowDown")
    settle(page)
    assert caption(page) == "Seed 7, class 7"
    assert focused(page) == "Seed 7, class 7"
    assert np.abs(pixels(page, sampler.spec) - sampler.sample([7])[0].astype(int)).max() <= LEVEL
    page.press("End")
    page.press("ArrowRight")
    assert caption(page) == "Seed 23, class 3"
    page.press("n")
    page.until("document.getElementById('seed').value !== '0'")
    settle(page)
    first = int(page.value("document.getElementById('seed').value"))
    assert caption(page) == f"Seed {first}, class {first % 10}"
    assert page.value("location.search") == f"?seed={first}"
    page.value("document.activeElement.blur()")
    page.press(" ", "Space")
    assert page.value("document.getElementById('play').getAttribute('aria-pressed')") == "true"
    walk = f"Between the seeds {first} and {first + 1}, class {first % 10}"
    page.until(f"document.getElementById('caption').textContent === '{walk}'")
    page.press(" ", "Space")
    assert page.value("document.getElementById('play').textContent") == "Play"
    before = page.value("document.documentElement.dataset.theme")
    page.press("t")
    assert {before, page.value("document.documentElement.dataset.theme")} == {"dark", "light"}
    page.press("t")


def test_a_walk_moves_and_comes_to_the_next_sample(opened):
    page, _ = opened("gallery")
    page.click("#play")
    page.until("document.querySelector('#grid button:nth-child(2)').ariaChecked === 'true'")
    first = page.value(PIXELS.replace("SELECTOR", "#picture"))
    time.sleep(0.7)
    second = page.value(PIXELS.replace("SELECTOR", "#picture"))
    assert first != second
    page.click("#play")
    settle(page)


def test_a_walk_that_goes_on_says_where(opened):
    page, _ = opened("z")
    walk = "document.getElementById('caption').textContent === 'Between the seeds 0 and 1'"
    for sample in (None, None, "#grid button:first-child"):
        if sample:
            page.click(sample)
            assert caption(page) == "Seed 0"
        page.click("#play")
        page.until(walk)
        page.click("#play")
        settle(page)
        assert page.value(walk)


def test_one_walk_at_a_time(opened):
    page, _ = opened("z")
    # Frames that the page asks for while the screen has ten.
    asked = """new Promise(resolve => {
      const [original, screens] = [window.requestAnimationFrame, 10];
      let asked = 0;
      window.requestAnimationFrame = call => { asked++; return original(call); };
      const count = left => {
        if (left) original(() => count(left - 1));
        else { window.requestAnimationFrame = original; resolve(asked / screens); }
      };
      for (let i = 0; i < 5; i++) document.getElementById('play').click();
      asked = 0;
      count(screens);
    })"""
    assert 0.5 < page.value(asked) < 1.5
    page.click("#play")


def test_a_seed_that_is_typed(opened):
    page, sampler = opened("z")
    last = 2**63 - 25
    # One that leaves no room for the others of the grid, or is none, is put back.
    typed = {"12": 12, "9223372036854775807": 12, str(last): last, "-4": last, "x": last}
    for text, seed in typed.items():
        page.value("(e => { e.focus(); e.select(); })(document.getElementById('seed'))")
        page.call("Input.insertText", text=text)
        page.value("document.getElementById('seed').blur()")
        settle(page)
        assert page.value("document.getElementById('seed').value") == str(seed)
        assert caption(page) == f"Seed {seed}"
        assert np.abs(pixels(page, sampler.spec) - sampler.sample([seed])[0].astype(int)).max() <= LEVEL


def test_a_picture_is_kept_as_it_is(opened, tmp_path):
    page, sampler = opened("gallery", "?seed=3")
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for button, shape in (("#save", (28, 28)), ("#save-grid", (4 * 28, 6 * 28))):
        page.click(button)
        for _ in range(200):
            if found := list(tmp_path.glob("*.png")):
                break
            time.sleep(0.05)
        time.sleep(0.1)
        kept = np.asarray(Image.open(io.BytesIO(found[0].read_bytes())).convert("L"))
        assert kept.shape == shape
        assert np.abs(kept[:28, :28].astype(int) - sampler.sample([3])[0, ..., 0]).max() <= LEVEL
        found[0].unlink()


@pytest.mark.parametrize(("kind", "dark"), [("several", False), ("gallery", True)])
def test_a_phone(opened, kind, dark):
    page, _ = opened(kind, width=360, height=740, phone=True, dark=dark)
    assert page.value("document.documentElement.scrollWidth") <= 360
    small = """[...document.querySelectorAll("button, select, #seed, input[type=range]")]
      .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40).map(e => e.outerHTML)"""
    assert page.value(small) == []
    colours = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    ink, paper = (sum(map(int, each[4:-1].split(","))) for each in page.value(colours))
    assert (ink > paper) == dark
    assert abs(ink - paper) > 400


def test_on_a_phone_the_picture_stays_in_sight(opened):
    page, _ = opened("gallery", width=360, height=740, phone=True)
    seen = """(() => {
      const {x, y, right, bottom, width} = document.getElementById('picture').getBoundingClientRect();
      return x >= 0 && y >= 0 && right <= 360 && bottom <= 740 && width;
    })()"""
    assert page.value(seen) > 300
    height = page.value("document.documentElement.scrollHeight")
    page.value("document.querySelector('.slider:last-child').scrollIntoView()")
    assert page.until(f"{seen} < 150 && {seen}") > 80
    assert page.value("document.documentElement.scrollHeight") == height
    page.value("document.getElementById('picture').click()")
    page.until(f"{seen} > 300")


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: (folder / "generator.onnx").unlink(), "generator.onnx is not there: the server answered 404"),
        (lambda folder: (folder / "generator.onnx").write_bytes(b"x" * 99), "99 bytes in place of"),
        (lambda folder: (folder / "demo.json").unlink(), "demo.json"),
        (lambda folder: shutil.rmtree(folder / "ort"), "onnxruntime-web"),
    ],
)
def test_what_is_wrong_is_said_in_words(demo, chromium, tmp_path, break_it, words):
    folder = tmp_path / "broken"
    shutil.copytree(demo("z")[1], folder)
    break_it(folder)
    with serving(folder) as address:
        chromium.show(address)
        assert chromium.ready() == "failed"
        assert words in chromium.value("document.getElementById('problem').innerText")
        assert chromium.value("document.getElementById('problem').checkVisibility()")


def test_a_file_that_is_opened_says_what_to_do(demo, chromium):
    chromium.show((demo("z")[1] / "index.html").as_uri())
    chromium.until(
        "document.getElementById('stuck') && getComputedStyle(document.getElementById('stuck')).opacity === '1'"
    )
    assert "python -m http.server" in chromium.value("document.body.innerText")


def test_below_a_path_and_without_isolation(demo, chromium, tmp_path, plain_server):
    shutil.copytree(demo("gallery")[1], tmp_path / "some" / "where")
    chromium.show(plain_server(tmp_path) + "some/where/")
    assert chromium.ready() == "ready"
    assert chromium.value("crossOriginIsolated") is False
    assert chromium.value("document.getElementById('backend').textContent") == "WebAssembly, 1 thread"


@pytest.mark.parametrize(
    "changed", [None, "ort.wasm.bundle.min.mjs", pytest.param("ort-wasm-simd-threaded.wasm", marks=pytest.mark.slow)]
)
def test_a_public_address_is_checked_by_hashes(demo, chromium, tmp_path, plain_server, ort_web, changed):
    folder = write_demo(demo("z")[0], tmp_path / "page", ort_web="cdn", webgpu=False).folder
    assert not (folder / "ort").exists()
    public = tmp_path / "public"
    shutil.copytree(ort_web, public)
    if changed:
        content = (public / changed).read_bytes()
        (public / changed).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    address = plain_server(public)
    # Another origin stands for the public one, which the tests do not ask.
    for name in ("index.html", "demo.json"):
        text = (folder / name).read_text()
        assert CDN in text
        (folder / name).write_text(text.replace(CDN, address))
    with serving(folder) as page:
        chromium.show(page)
        assert chromium.ready() == ("failed" if changed else "ready")
        said = "is not the file that this page was made for" in chromium.value("document.body.innerText")
        assert said == bool(changed)
        assert f"{address}{changed or 'ort-wasm-simd-threaded.wasm'}" in chromium.asked


@pytest.mark.slow
def test_several_threads_where_the_page_is_isolated(demo, chromium, tmp_path):
    model, written = demo("gallery")
    folder = tmp_path / "page"
    shutil.copytree(written, folder)
    # A machine of many cores.
    engine = (folder / "engine.js").read_text()
    assert "navigator.hardwareConcurrency" in engine
    (folder / "engine.js").write_text(engine.replace("navigator.hardwareConcurrency", "6"))
    with serving(folder) as address:
        chromium.show(address)
        assert chromium.ready() == "ready"
        assert chromium.value("document.getElementById('backend').textContent") == "WebAssembly, 3 threads"
        sampler = Sampler(model, threads=1)
        assert np.abs(pixels(chromium, sampler.spec) - sampler.sample([0])[0].astype(int)).max() <= LEVEL
        assert [message for message in chromium.messages if HARMLESS not in message] == []
    with serving(folder, isolated=False) as address:
        chromium.show(address)
        assert chromium.ready() == "ready"
        assert chromium.value("document.getElementById('backend').textContent") == "WebAssembly, 1 thread"


@pytest.mark.slow
def test_a_gpu_that_is_imitated(demo, tmp_path, ort_web):
    from devtools import Chromium

    model, _ = demo("gallery")
    folder = write_demo(model, tmp_path / "page", ort_web=ort_web).folder
    flags = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--ignore-gpu-blocklist")
    with serving(folder) as address, Chromium(tmp_path / "profile", *flags) as browser:
        browser.show(f"{address}?backend=webgpu")
        assert browser.ready() == "ready"
        if not browser.value("navigator.gpu && navigator.gpu.requestAdapter().then(Boolean)"):
            pytest.skip("this Chromium has no WebGPU")
        assert browser.value("document.getElementById('backend').textContent") == "WebGPU"
        sampler = Sampler(model, threads=1)
        assert np.abs(pixels(browser, sampler.spec) - sampler.sample([0])[0].astype(int)).max() <= LEVEL
        # One that gives another picture is not trusted.
        about = json.loads((folder / "demo.json").read_text())
        about["reference"]["seed"] += 1
        (folder / "demo.json").write_text(json.dumps(about))
        browser.show(f"{address}?backend=webgpu")
        assert browser.ready() == "ready"
        assert browser.value("document.getElementById('backend').textContent").startswith("WebAssembly")
        assert "grey levels off" in browser.value("document.getElementById('backend').title")
