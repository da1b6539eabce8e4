"""What a batch costs on two logical CPU devices, in two processes, and in two parts, against the whole of it on one.

    python benchmarks/scale.py [--recipe r3gan-mnist] [--set FIELD=VALUE] [--rounds 5] [--steps 8]
    python benchmarks/scale.py --memory [--recipe r3gan-mnist] [--set FIELD=VALUE]

Every side is a process, or two, of its own, which compiles and then waits; the sides train in turn, several times, on
the same two cores and with the same batch of all devices together. The table has the medians of a step, and their
ratios to one device. Last, what two processes take to sum as many numbers as the gradients of both networks have, as
often as a step does.

With --memory: the most memory that a process holds which takes two steps on the whole batch, on the batch in four
parts, and on a batch of a quarter.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

SIDES = {
    "one device": ["one"], "two devices": ["mirrored"], "two processes": ["chief", "worker"], "two parts": ["parts"],
}  # fmt: skip


def peak(recipe_name: str, changes: list[str]) -> None:
    """Print the most memory that this process held in two steps, MiB."""
    from tfgan_kit.data import open_source
    from tfgan_kit.recipe import parse_assignment
    from tfgan_kit.recipes import recipe_row
    from tfgan_kit.training.timing import time_steps

    recipe = recipe_row(recipe_name).recipe.replace(**dict(parse_assignment(text) for text in changes))
    print(time_steps(recipe, open_source(recipe), steps=1).peak_memory_mb)


def memory(recipe_name: str, changes: list[str]) -> None:
    """Print the table of --memory."""
    from tfgan_kit.recipe import parse_assignment
    from tfgan_kit.recipes import recipe_row

    batch = recipe_row(recipe_name).recipe.replace(**dict(parse_assignment(text) for text in changes)).batch_size
    quarter = batch // 4
    sides = {
        f"a batch of {batch}": [],
        "in four parts": ["accumulate=4"],
        f"a batch of {quarter}": [f"batch_size={quarter}"],
    }
    for title, more in sides.items():
        words = [word for change in [*changes, *more] for word in ("--set", change)]
        command = [sys.executable, __file__, "--side", "memory", "--recipe", recipe_name, *words]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        print(f"{title:20} {float(found.stdout):8,.0f} MiB")


def side(name: str, recipe_name: str, changes: list[str]) -> None:
    """Train, or sum, as many times as each line of the input says; print the seconds."""
    import tensorflow as tf

    from tfgan_kit.data import open_source
    from tfgan_kit.recipe import parse_assignment
    from tfgan_kit.recipes import recipe_row
    from tfgan_kit.strategy import make_strategy
    from tfgan_kit.training.resolve import resolve
    from tfgan_kit.training.steps import build_on, open_steps
    from tfgan_kit.training.team import Team

    if name == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    kind = {"mirrored": "mirrored", "chief": "multiworker", "worker": "multiworker"}.get(name, "one")
    strategy = make_strategy(kind)
    recipe = recipe_row(recipe_name).recipe.replace(**dict(parse_assignment(text) for text in changes))
    recipe = recipe.replace(accumulate=2 if name == "parts" else 1)
    source = open_source(recipe)
    recipe, facts = resolve(recipe, source)
    team = Team(strategy)
    gan = build_on(team, recipe, facts)
    steps = open_steps(gan, source, recipe, team)
    sizes = [sum(v.value.shape.num_elements() for v in net.trainable_variables) for net in (gan.D, gan.G)]

    def sum_once() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        return tf.add_n([tf.reduce_sum(context.all_reduce("sum", tf.ones(size))) for size in sizes])

    @tf.function
    def sums(n: tf.Tensor) -> None:
        with strategy.scope():
            for _ in tf.range(n):
                strategy.run(sum_once)

    for line in sys.stdin:
        what, n = line.split()
        started = time.perf_counter()
        (sums if what == "sums" else steps)(tf.constant(int(n)))
        gan.first_nonfinite.numpy()
        print(time.perf_counter() - started, flush=True)


class Side:
    """The processes of one side."""

    def __init__(self, names: list[str], arguments: list[str]) -> None:
        ports = []
        for _ in names:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
        threads = max(1, len(os.sched_getaffinity(0)) // len(names))
        self._processes = []
        for index, name in enumerate(names):
            task = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
            environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": str(threads)}
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, __file__, "--side", name, *arguments],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                    env=os.environ | environment | ({"TF_CONFIG": task} if len(names) > 1 else {}),
                )
            )  # fmt: skip

    def __call__(self, what: str, n: int) -> float:
        """Seconds of each of n steps or sums: those of the slowest process."""
        for process in self._processes:
            assert process.stdin
            process.stdin.write(f"{what} {n}\n")
            process.stdin.flush()
        return max(float(process.stdout.readline()) for process in self._processes if process.stdout) / n

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="r3gan-mnist")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        memory(options.recipe, options.set)
        return
    if options.side == "memory":
        peak(options.recipe, options.set)
        return
    if options.side:
        side(options.side, options.recipe, options.set)
        return
    arguments = ["--recipe", options.recipe, *(word for each in options.set for word in ("--set", each))]
    sides = {}
    try:
        for title, names in SIDES.items():
            sides[title] = Side(names, arguments)
            # Alone, while it compiles.
            sides[title]("steps", 2)
        seconds: dict[str, list[float]] = {title: [] for title in sides}
        sums = []
        sides["two processes"]("sums", 1)
        for _ in range(options.rounds):
            for title, run in sides.items():
                seconds[title].append(run("steps", options.steps))
            sums.append(sides["two processes"]("sums", options.steps))
    finally:
        for run in sides.values():
            run.end()
    one = statistics.median(seconds["one device"])
    print(f"{options.recipe} {' '.join(options.set)}".strip())
    print(f"{'a step on':16} {'ms':>8} {'ratio':>7}")
    for title, values in seconds.items():
        median = statistics.median(values)
        print(f"{title:16} {median * 1e3:8.1f} {median / one:7.2f}")
    print(f"the sums of two processes: {statistics.median(sums) * 1e3:.1f} ms a step")


if __name__ == "__main__":
    main()
