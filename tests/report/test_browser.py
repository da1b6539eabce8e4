"""The page in Chromium, where that is installed: nothing asked of anyone, no complaint, nothing wider than a phone."""

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading

import pytest
from report_runs import Grey, whole

from tfgan_kit.report.write import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS_PX = (360, 1200)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; test_write.py looks at the markup")

# Frames of the page at each width, and a line of JSON on what they are like once they are loaded.
LOOKER = """<!DOCTYPE html><link rel="icon" href="data:,"><body><script>
const widths = WIDTHS, found = [];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:800px`;
  frame.onload = () => {
    const page = frame.contentDocument;
    for (const details of page.querySelectorAll("details")) details.open = true;
    const root = page.documentElement, images = [...page.images];
    found.push({
      width, overflow: root.scrollWidth - root.clientWidth,
      broken: images.filter(image => !image.complete || !image.naturalWidth).length, images: images.length,
      curves: [...page.querySelectorAll("svg[role=img]")].map(svg => svg.getBoundingClientRect().height),
      ink: getComputedStyle(page.body).color, page: getComputedStyle(page.body).backgroundColor,
    });
    if (found.length == widths.length) document.body.textContent = "<<" + JSON.stringify(found) + ">>";
  };
  frame.src = "report.html";
  document.body.append(frame);
}
</script>"""


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked.append(f"{self.headers['Host'].partition(':')[0]}{self.path}")
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    """Serves the folder of a report, and stands for every host that there is."""
    folder = whole(tmp_path / "run")
    write_report(folder, Grey(spaces=("z", "w")), ["D wins."])
    (folder.path / "look.html").write_text(LOOKER.replace("WIDTHS", json.dumps(WIDTHS_PX)))
    handler = functools.partial(Handler, directory=str(folder.path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        serving.asked, serving.folder = [], folder.path
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def look(server, profile, *, dark):
    port = server.server_address[1]
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-features=NetworkTimeServiceQuerying", "--enable-logging=stderr",
            f"--user-data-dir={profile}", "--virtual-time-budget=20000",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--host-resolver-rules=MAP * 127.0.0.1:{port}", "--dump-dom", f"http://localhost:{port}/look.html",
        ],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    found = re.search(r"&lt;&lt;(.*)&gt;&gt;", done.stdout)
    assert found, done.stdout[-2000:]
    return json.loads(found[1]), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_in_a_browser(server, tmp_path, dark):
    seen, console = look(server, tmp_path / "profile", dark=dark)
    assert console == []
    assert set(server.asked) == {"localhost/look.html", "localhost/report.html"}
    assert sorted(each["width"] for each in seen) == sorted(WIDTHS_PX)
    for each in seen:
        assert each["overflow"] <= 0, each["width"]
        assert each["images"] >= 6
        assert each["broken"] == 0
        assert len(each["curves"]) >= 4
        assert min(each["curves"]) > 100
        ink, paper = (sum(map(int, re.findall(r"\d+", each[key])[:3])) for key in ("ink", "page"))
        assert (ink > paper) == dark
        assert abs(ink - paper) > 400


def test_what_is_asked_and_what_is_forbidden_is_seen(server, tmp_path):
    outside = '<img src="http://elsewhere.example/{}.png" alt="">'
    for name, mark in (("report", "<main>"), ("look", "<body>")):
        file = server.folder / f"{name}.html"
        file.write_text(file.read_text().replace(mark, mark + outside.format(name), 1))
    _, console = look(server, tmp_path / "profile", dark=False)
    assert any("elsewhere.example/report.png" in line and "Content Security Policy" in line for line in console)
    assert "elsewhere.example/look.png" in server.asked
    assert "elsewhere.example/report.png" not in server.asked
