"""The service over a real socket: its pictures, headers, bounds and figures."""

import io
import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.pictures import grid


def picture(content):
    with Image.open(io.BytesIO(content)) as opened:
        return opened.format, np.asarray(opened)


def array(content):
    return np.load(io.BytesIO(content), allow_pickle=False)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_one_picture_is_the_samplers(named, form):
    status, headers, content = named.get(f"/sample?seed=5&class=ant&format={form}")
    expected = named.sampler.sample([5], labels="ant")[0]
    assert (status, headers["content-type"], headers["x-seed"]) == (200, f"image/{form}", "5")
    assert picture(content)[0] == form.upper()
    np.testing.assert_array_equal(picture(content)[1], expected)


def test_several_are_a_grid(named):
    shown = picture(named.get("/sample?seed=5&n=7&truncation=0.5")[2])[1]
    np.testing.assert_array_equal(shown, grid(named.sampler.sample(range(5, 12), truncation=0.5), 3))


def test_an_array(named):
    status, headers, content = named.get("/sample?seed=5&n=7&format=npy")
    assert (status, headers["content-type"]) == (200, "application/octet-stream")
    assert headers["content-disposition"] == 'inline; filename="seed-5-n-7.npy"'
    np.testing.assert_array_equal(array(content), named.sampler.sample(range(5, 12)))


def test_grey_pictures(models, serving):
    with serving(models["grey"]) as service:
        expected = service.sampler.sample([3])[0]
        np.testing.assert_array_equal(picture(service.get("/sample?seed=3")[2])[1], expected[..., 0])
        webp = picture(service.get("/sample?seed=3&format=webp")[2])[1]
        np.testing.assert_array_equal(webp, np.repeat(expected, 3, axis=2))


def test_a_random_seed_is_told_and_not_kept(named):
    _, headers, content = named.get("/sample?format=npy")
    assert headers["cache-control"] == "no-store"
    assert "etag" not in headers
    again = named.get(f"/sample?format=npy&seed={headers['x-seed']}")
    assert again[2] == content
    assert named.get("/sample?format=npy")[1]["x-seed"] != headers["x-seed"]


def test_a_picture_is_cached_as_long_as_its_address_means_it(named):
    _, headers, _ = named.get("/sample?seed=5&n=2")
    assert headers["cache-control"] == "public, no-cache"
    tag = headers["etag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, headers, content = named.get("/sample?seed=5&n=2", If_None_Match=condition)
        assert (status, headers["etag"], content) == (304, tag, b"")
    status, headers, _ = named.get(f"/sample?seed=5&n=2&model={named.digest}", If_None_Match='"other"')
    assert (status, headers["etag"]) == (200, tag)
    assert "immutable" in headers["cache-control"]


def test_tags_differ_where_pictures_do(named):
    queries = ("seed=1", "seed=2", "seed=1&n=2", "seed=1&class=ant", "seed=1&truncation=0.5", "seed=1&format=webp")
    assert len({named.get(f"/sample?{query}")[1]["etag"] for query in queries}) == len(queries)


@pytest.mark.parametrize(
    "query", ["seed=x", "n=21", "class=dog", "format=gif", "truncation=2", "color=red", "%", "%ff=%00"]
)
def test_what_is_not_legal_is_a_sentence(named, query):
    status, headers, content = named.get(f"/sample?{query}")
    assert (status, headers["content-type"]) == (422, "application/json")
    detail = json.loads(content)["detail"]
    assert re.search(r"legal|must be|unknown", detail)
    assert "\n" not in detail


def test_concurrent_requests_have_their_own_pictures(named):
    def ask(seed):
        return array(named.get(f"/sample?seed={seed}&n={1 + seed % 3}&format=npy")[2])

    with ThreadPoolExecutor(8) as pool:
        for seed, images in enumerate(pool.map(ask, range(60))):
            np.testing.assert_array_equal(images, named.sampler.sample(range(seed, seed + 1 + seed % 3)))


class Gated:
    """A sampler that works when it is let."""

    def __init__(self, sampler):
        self.spec, self.batch, self.sampler = sampler.spec, sampler.batch, sampler
        self.gate, self.entered = threading.Event(), threading.Event()

    def sample(self, *args, **kwargs):
        self.entered.set()
        assert self.gate.wait(20)
        return self.sampler.sample(*args, **kwargs)


def test_a_full_queue_is_429_and_the_end_answers_what_waits(models, serving, named):
    sampler = Gated(named.sampler)
    with ThreadPoolExecutor(4) as pool:
        with serving(models["named"], sampler, max_n=4, queue=6) as service:
            running = pool.submit(service.get, "/sample?seed=1&format=npy")
            assert sampler.entered.wait(20)
            waiting = pool.submit(service.get, "/sample?seed=2&n=4&format=npy")
            while b"tfgan_queue_pictures 4.0" not in service.get("/metrics")[2]:
                pass
            status, headers, content = service.get("/sample?seed=3&n=3")
            assert (status, headers["cache-control"]) == (429, "no-store")
            assert int(headers["retry-after"]) >= 1
            assert "busy" in json.loads(content)["detail"]
            assert service.get("/sample?seed=9&n=9")[0] == 422
            assert service.get("/healthz")[0] == 200
            service.server.should_exit = True
            sampler.gate.set()
        assert [answer.result()[0] for answer in (running, waiting)] == [200, 200]
        np.testing.assert_array_equal(array(waiting.result()[2]), named.sampler.sample(range(2, 6)))


class Broken:
    def __init__(self, sampler):
        self.spec, self.batch = sampler.spec, sampler.batch

    def sample(self, *args, **kwargs):
        raise RuntimeError("a secret of the machine")


def test_an_error_of_the_model_is_500_without_its_words(models, serving, named):
    with serving(models["named"], Broken(named.sampler)) as service:
        status, _, content = service.get("/sample?seed=1")
        assert status == 500
        assert b"secret" not in content
        assert service.get("/healthz")[0] == 200
        assert b'status="500"' in service.get("/metrics")[2]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1]"])
def test_a_foreign_host_is_refused(named, host):
    status, _, content = named.get("/sample?seed=1", Host=host)
    assert status == 400
    assert "127.0.0.1, localhost" in json.loads(content)["detail"]


def test_hosts_by_name_and_port(named):
    assert named.get("/healthz", Host=f"LocalHost:{named.port}")[0] == 200


def test_any_host_where_other_machines_may_ask(models, serving):
    with serving(models["plain"], hosts=()) as service:
        assert service.get("/healthz", Host="pictures.example")[0] == 200


def test_health(named):
    status, _, content = named.get("/healthz")
    expected = {"status": "ok", "model": named.digest, "images": {"height": 4, "width": 5, "channels": 3}}
    assert (status, json.loads(content)) == (200, expected)


def test_figures(models, serving):
    with serving(models["plain"], max_n=8) as service:
        for path in ("/sample?seed=1&n=3", "/sample?seed=1&n=8", "/sample?seed=x", "/nowhere", "/else"):
            service.get(path)
        text = service.get("/metrics")[2].decode()
    figures = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}
    assert figures["tfgan_pictures_total"] == 11
    assert figures['tfgan_requests_total{path="/sample",status="200"}'] == 2
    assert figures['tfgan_requests_total{path="/sample",status="422"}'] == 1
    assert figures['tfgan_requests_total{path="other",status="404"}'] == 2
    assert figures["tfgan_sample_seconds_count"] == 3
    assert figures['tfgan_run_pictures_bucket{le="4.0"}'] == 1
    assert figures["tfgan_run_pictures_sum"] == 11
    assert figures["tfgan_queue_pictures"] == 0


@pytest.mark.parametrize(("kind", "names"), [("plain", 5), ("named", 6), ("several", 6), ("spherical", 4)])
def test_openapi_says_what_this_model_takes(models, serving, kind, names):
    with serving(models[kind], max_n=9) as service:
        described = json.loads(service.get("/openapi.json")[2])
        page = service.get("/")[2].decode()
    parameters = {of["name"]: of["schema"] for of in described["paths"]["/sample"]["get"]["parameters"]}
    assert len(parameters) == names
    assert parameters["n"]["maximum"] == 9
    assert parameters["seed"]["maximum"] == 2**63 - 9
    assert ("truncation" in parameters) == (kind != "spherical") == ("truncation" in page)
    if kind == "named":
        assert parameters["class"]["enum"] == ["ant", "bee & wasp", "2", "0", "1"]
    if kind == "several":
        assert {"hair=red=ish", "hair=dyed=yes", "ear=2"} < set(parameters["class"]["items"]["enum"])
    assert ("class" in parameters) == (kind in ("named", "several")) == ('name="class"' in page)


def test_the_page_needs_nothing_from_elsewhere(named):
    status, headers, content = named.get("/")
    page = content.decode()
    assert status == 200
    assert "default-src 'none'" in headers["content-security-policy"]
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:|//)""", page)
    assert "&lt;noise&gt;" in page
    assert 'value="bee &amp; wasp"' in page
    for path in ("/docs", "/redoc", "/../etc/passwd", "/sample/../../x"):
        assert named.get(path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_get(named, method):
    status, headers, _ = named.get("/sample?seed=1", method, body=b"x" * 1000)
    assert (status, headers["allow"]) == (405, "GET")


def test_a_request_without_end_is_ended(named):
    with socket.create_connection(("127.0.0.1", named.port), timeout=20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        try:
            for i in range(1000):
                connection.sendall(b"X-%d: %s\r\n" % (i, b"x" * 1000))
            answer = connection.recv(1000)
        except OSError:
            pass
    assert i < 999 or answer.startswith(b"HTTP/1.1 400")
    assert named.get("/healthz")[0] == 200


def test_a_long_body_is_ended(named):
    with socket.create_connection(("127.0.0.1", named.port), timeout=20) as connection:
        connection.sendall(b"POST /sample HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n")
        sent = 0
        try:
            while sent < 2**26:
                sent += connection.send(b"x" * 65536)
        except OSError:
            pass
        assert sent < 2**26
    assert named.get("/healthz")[0] == 200
