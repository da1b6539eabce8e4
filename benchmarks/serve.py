"""The service against the bare Sampler: pictures a second, latency, and a hundred thousand requests.

    apt-get install wrk
    python benchmarks/serve.py MODEL.onnx [MODEL.onnx ...] [--seconds 3] [--rounds 3] [--requests 100000]

Service, load and Sampler share this machine's cores. In each round the Sampler makes pictures for --seconds in a
process of its own, which is stopped while the service is asked for as long; each row's ratio is the median of the
rounds' own ratios. Every request has a seed of its own, and asks for npy. "of 64" is against the Sampler at 64 pictures
a call, its best; "of n" against calls of as many pictures as a request, one after the other. The bound is 0.8 of 64.
With --requests that many of one picture each are sent at the end, to the first model, with the service's memory.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BOUND = 0.8
# Pictures a request, and connections.
LOADS = ((1, 64), (8, 32), (64, 8))
SEEDS = """
local first = 0
request = function()
  first = first + 1
  return wrk.format(nil, "/sample?format=npy&n={n}&seed=" .. first)
end
"""


def wrk(port: int, n: int, connections: int, seconds: float) -> dict[str, float]:
    """Load the service: requests a second, ms of half and of 99 of 100 requests, requests, errors."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SEEDS.replace("{n}", str(n)))
        script.flush()
        command = [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s", "--latency", "-s", script.name,
            f"http://127.0.0.1:{port}",
        ]  # fmt: skip
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count, took = re.search(r"(\d+) requests in ([\d.]+\w+)", text).groups()
    errors = sum(int(found) for found in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    errors += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    p50, p99 = (milliseconds(re.search(rf"{share}%\s+([\d.]+\w+)", text).group(1)) for share in (50, 99))
    return {
        "rate": int(count) / milliseconds(took) * 1e3,
        "p50": p50,
        "p99": p99,
        "requests": int(count),
        "errors": errors,
    }


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}[unit]


def bare(model: Path, n: int, seconds: float) -> None:
    """What the child process does: print pictures a second of calls of n."""
    from tfgan_kit.export import Sampler

    sampler = Sampler(model)
    for seed in range(3):
        sampler.sample(range(seed, seed + n))
    print("ready", flush=True)
    for _ in sys.stdin:
        started, made = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            sampler.sample(range(made, made + n))
            made += n
        print(made / (time.perf_counter() - started), flush=True)


@contextmanager
def bare_process(model: Path, n: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A Sampler in a process of its own, which works for a while for each line that it is sent."""
    command = [sys.executable, __file__, str(model), "--bare", str(n), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        process.stdin.close()


def bare_rate(process: subprocess.Popen[str]) -> float:
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


@contextmanager
def service(model: Path) -> Iterator[tuple[int, int]]:
    """`tfgan serve` on a free port: the port and the process."""
    command = [Path(sys.executable).with_name("tfgan"), "serve", model, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(re.search(r":(\d+) ", process.stdout.readline()).group(1))
        yield port, process.pid
        process.terminate()


def figure(port: int, name: str) -> float:
    """One of the service's own figures."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return float(re.search(rf"^{re.escape(name)} (.+)$", text, re.MULTILINE).group(1))


def race(model: Path, seconds: float, rounds: int) -> list[dict[str, float]]:
    """A row for each of LOADS."""
    rows = []
    with bare_process(model, 64, seconds) as best, service(model) as (port, _):
        for n, connections in LOADS:
            with bare_process(model, n, seconds) as same:
                wrk(port, n, connections, 1)
                measured = []
                for _ in range(rounds):
                    loaded = wrk(port, n, connections, seconds)
                    at_64, at_n = bare_rate(best), bare_rate(same)
                    loaded |= {"served": n * loaded["rate"], "best": at_64, "same": at_n}
                    loaded |= {"of_64": loaded["served"] / at_64, "of_n": loaded["served"] / at_n}
                    measured.append(loaded)
            row = {key: statistics.median(found[key] for found in measured) for key in measured[0]}
            row |= {"n": n, "connections": connections, "errors": sum(found["errors"] for found in measured)}
            rows.append(row)
            print(
                f"{model.parent.name + '/' + model.name:28.28} {n:4} {connections:5} {row['served']:9.0f} "
                f"{row['best']:9.0f} {row['same']:9.0f} {row['of_64']:6.2f} {row['of_n']:6.2f} "
                f"{row['p50']:8.1f} {row['p99']:8.1f} {row['errors']:6}",
                flush=True,
            )
    return rows


def endure(model: Path, requests: int) -> dict[str, float]:
    """Many requests of one picture each; the service's memory on the way, MB."""
    with service(model) as (port, _):
        memory, done, errors, p99 = [], 0, 0, []
        while done < requests:
            memory.append((done, figure(port, "process_resident_memory_bytes") / 1e6))
            part = wrk(port, 1, 64, 1 if done < requests / 20 else 5)
            done, errors = done + int(part["requests"]), errors + int(part["errors"])
            p99.append(part["p99"])
        memory.append((done, figure(port, "process_resident_memory_bytes") / 1e6))
        failed = errors
    print(f"{done} requests of one picture, {failed} errors, p99 {statistics.median(p99):.1f} ms; resident memory, MB:")
    print("  " + ", ".join(f"{megabytes:.1f} after {count}" for count, megabytes in memory))
    return {"requests": done, "errors": failed, "memory_mb": [list(pair) for pair in memory]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare(options.models[0], options.bare, options.seconds)
        return
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: apt-get install wrk")
    found: dict[str, object] = {}
    if options.rounds:
        print(
            f"{'':28} {'n':>4} {'conn.':>5} {'served':>9} {'bare 64':>9} {'bare n':>9} {'of 64':>6} {'of n':>6} "
            f"{'p50 ms':>8} {'p99 ms':>8} {'errors':>6}"
        )
        found = {str(model): race(model, options.seconds, options.rounds) for model in options.models}
        best = [max(row["of_64"] for row in rows) for rows in found.values()]
        print(f"at least {BOUND} of the Sampler at some n: {'yes' if min(best) >= BOUND else 'NO'}")
    if options.requests:
        found["endurance"] = endure(options.models[0], options.requests)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"python {' '.join(sys.argv)}")


if __name__ == "__main__":
    main()
