"""A headless Chromium that is driven over its debugging pipe: no port, no library."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT_S = 120


class Chromium:
    """One page of a browser; `messages` holds what its console said, `asked` the addresses of its requests."""

    def __init__(self, profile: Path, *flags: str):
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        # The browser speaks on its descriptors 3 and 4.
        script = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            [
                "bash", "-c", script, "-", CHROMIUM, "--headless", "--no-sandbox", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-features=NetworkTimeServiceQuerying", "--remote-debugging-pipe",
                f"--user-data-dir={profile}", *flags, "about:blank",
            ],
            pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._next, self._answers = b"", 0, {}
        self.messages, self.asked = [], []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        # A worker's console and requests are its own.
        self._watch(self._session)
        self.call("Page.enable")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.terminate()
        self._process.wait(30)
        os.close(self._write)
        os.close(self._read)

    def call(self, method, **parameters):
        """A method of the DevTools protocol, on the page."""
        return self._call(method, self._session, **parameters)

    def show(self, address, *, width=1280, height=860, dark=False, phone=False, reduced=False):
        """Open an address, as a screen of some size shows it."""
        self.messages, self.asked = [], []
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )  # fmt: skip
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        features = {"prefers-color-scheme": "dark" if dark else "light"}
        features |= {"prefers-reduced-motion": "reduce"} if reduced else {}
        pairs = [{"name": name, "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=pairs)
        self.call("Page.navigate", url=address)

    def value(self, expression):
        """The value of an expression in the page; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression):
        """The value of an expression once it is true."""
        end = time.monotonic() + WAIT_S
        while not (value := self.value(expression)):
            assert time.monotonic() < end, f"{expression} did not become true: {self.messages}"
            time.sleep(0.02)
        return value

    def ready(self):
        """Wait until the demo's page shows its pictures, or what went wrong; which of the two."""
        return self.until("['ready', 'failed'].find(state => state === document.body?.dataset.state)")

    def press(self, key, code=None):
        """A key, down and up."""
        text = {"text": key} if len(key) == 1 else {}
        virtual = {"ArrowRight": 39, "ArrowDown": 40, "ArrowLeft": 37, "ArrowUp": 38, "Tab": 9, "End": 35, " ": 32}
        known = {"windowsVirtualKeyCode": virtual[key]} if key in virtual else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=code or key, **known, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code or key, **known)

    def click(self, selector):
        """A click in the middle of an element."""
        x, y = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path):
        """The whole page as a PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def _watch(self, session):
        for domain in ("Runtime", "Network", "Log"):
            self._send(f"{domain}.enable", session)
        watching = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        self._send("Target.setAutoAttach", session, **watching)
        self._send("Runtime.runIfWaitingForDebugger", session)

    def _send(self, method, session=None, **parameters):
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        os.write(self._write, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        return self._next

    def _call(self, method, session=None, **parameters):
        number = self._send(method, session, **parameters)
        end = time.monotonic() + WAIT_S
        while number not in self._answers:
            assert time.monotonic() < end, f"no answer to {method}"
            self._receive(end - time.monotonic())
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _receive(self, seconds):
        if not select.select([self._read], [], [], max(seconds, 0))[0]:
            return
        part = os.read(self._read, 1 << 20)
        assert part, "the browser ended"
        *whole, self._buffer = (self._buffer + part).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self._event(message["method"], message["params"])

    def _event(self, method, parameters):
        if method == "Target.attachedToTarget":
            self._watch(parameters["sessionId"])
        elif method == "Runtime.consoleAPICalled":
            words = [str(each.get("value", each.get("description"))) for each in parameters["args"]]
            self.messages.append(f"{parameters['type']}: {' '.join(words)}")
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.messages.append(f"exception: {details.get('exception', {}).get('description', details['text'])}")
        elif method == "Log.entryAdded":
            entry = parameters["entry"]
            self.messages.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
