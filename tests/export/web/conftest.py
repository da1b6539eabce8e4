import pytest
from devtools import CHROMIUM, Chromium

from tfgan_kit.errors import MissingPackageError


@pytest.fixture(scope="session")
def ort_web():
    """onnxruntime-web, as npm has it."""
    from tfgan_kit.export.web.engine import find_engine

    try:
        return find_engine(None)
    except MissingPackageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser without a GPU."""
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    with Chromium(tmp_path_factory.mktemp("profile"), "--disable-gpu") as browser:
        yield browser


@pytest.fixture
def plain_server():
    """A function that serves a folder as any static host does: no header but that any origin may read."""
    import contextlib
    import functools
    import http.server
    import threading

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Access-Control-Allow-Origin", "*")
            super().end_headers()

        def log_message(self, *arguments):
            pass

    with contextlib.ExitStack() as stack:

        def serve(folder):
            handler = functools.partial(Handler, directory=str(folder))
            server = stack.enter_context(http.server.ThreadingHTTPServer(("localhost", 0), handler))
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://localhost:{server.server_address[1]}/"

        yield serve
