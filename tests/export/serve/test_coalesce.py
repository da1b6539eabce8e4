"""The queue: who is made together, who waits, who is sent away, and what happens at the end."""

import asyncio
import threading

import numpy as np
import pytest

from tfgan_kit.export import Sampler
from tfgan_kit.export.serve.coalesce import ClosedError, Coalescer, QueueFullError
from tfgan_kit.latents import classes_from_seeds


class Gated:
    """A sampler whose runs wait until they are let through, and are kept."""

    batch = 8

    def __init__(self):
        self.runs, self.gate, self.entered = [], threading.Semaphore(0), threading.Semaphore(0)

    def sample(self, seeds, labels=None, truncation=1.0):
        self.entered.release()
        assert self.gate.acquire(timeout=20)
        self.runs.append((list(seeds), truncation))
        if 13 in seeds:
            raise RuntimeError("unlucky")
        return np.repeat(np.asarray(seeds, np.uint8), 4).reshape(-1, 2, 2, 1)


def seeds(first, n=1):
    return first + np.arange(n)


async def entered(sampler):
    await asyncio.to_thread(sampler.entered.acquire)


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_waits_is_made_in_one_run():
    async def scenario():
        sampler, made = Gated(), []
        coalescer = Coalescer(sampler, 20, on_run=made.append)
        first = asyncio.create_task(coalescer.pictures(seeds(0), None, 1.0))
        await entered(sampler)
        others = [asyncio.create_task(coalescer.pictures(seeds(10 * i, 3), None, 1.0)) for i in range(1, 5)]
        await settled()
        assert coalescer.waiting == 12
        sampler.gate.release(9)
        results = await asyncio.gather(first, *others)
        coalescer.close()
        # Six of the twelve, as a third request would not have fitted into a batch of eight.
        assert [len(run) for run, _ in sampler.runs] == [1, 6, 6]
        assert made == [1, 6, 6]
        for i, images in enumerate(results[1:], 1):
            np.testing.assert_array_equal(images[:, 0, 0, 0], seeds(10 * i, 3))
        assert coalescer.waiting == 0

    asyncio.run(scenario())


def test_a_request_larger_than_the_batch_is_made():
    async def scenario():
        sampler = Gated()
        sampler.gate.release()
        coalescer = Coalescer(sampler, 30)
        assert len(await coalescer.pictures(seeds(20, 30), None, 1.0)) == 30
        coalescer.close()

    asyncio.run(scenario())


def test_truncations_have_runs_of_their_own():
    async def scenario():
        sampler = Gated()
        coalescer = Coalescer(sampler, 20)
        first = asyncio.create_task(coalescer.pictures(seeds(0), None, 1.0))
        await entered(sampler)
        others = [asyncio.create_task(coalescer.pictures(seeds(i), None, [0.5, 1.0][i % 2])) for i in range(1, 5)]
        await settled()
        sampler.gate.release(9)
        results = await asyncio.gather(first, *others)
        coalescer.close()
        assert sampler.runs == [([0], 1.0), ([1, 3], 1.0), ([2, 4], 0.5)]
        assert [image[0, 0, 0, 0] for image in results] == [0, 1, 2, 3, 4]

    asyncio.run(scenario())


def test_a_full_queue_sends_away_and_takes_again():
    async def scenario():
        sampler = Gated()
        coalescer = Coalescer(sampler, 4)
        running = asyncio.create_task(coalescer.pictures(seeds(0, 4), None, 1.0))
        await entered(sampler)
        waiting = asyncio.create_task(coalescer.pictures(seeds(4, 3), None, 1.0))
        await settled()
        with pytest.raises(QueueFullError) as caught:
            await coalescer.pictures(seeds(7, 2), None, 1.0)
        assert caught.value.retry_sec >= 1
        fits = asyncio.create_task(coalescer.pictures(seeds(7), None, 1.0))
        await settled()
        sampler.gate.release(9)
        await asyncio.gather(running, waiting, fits)
        assert len(await coalescer.pictures(seeds(0, 4), None, 1.0)) == 4
        coalescer.close()

    asyncio.run(scenario())


def test_an_error_reaches_its_run_and_no_other():
    async def scenario():
        sampler = Gated()
        sampler.gate.release(9)
        coalescer = Coalescer(sampler, 20)
        with pytest.raises(RuntimeError, match="unlucky"):
            await coalescer.pictures(seeds(13), None, 1.0)
        assert coalescer.alive
        assert len(await coalescer.pictures(seeds(1), None, 1.0)) == 1
        coalescer.close()

    asyncio.run(scenario())


def test_a_request_that_is_given_up_harms_no_other():
    async def scenario():
        sampler = Gated()
        coalescer = Coalescer(sampler, 20)
        first = asyncio.create_task(coalescer.pictures(seeds(0), None, 1.0))
        await entered(sampler)
        second = asyncio.create_task(coalescer.pictures(seeds(1), None, 1.0))
        await settled()
        first.cancel()
        sampler.gate.release(9)
        assert (await second)[0, 0, 0, 0] == 1
        coalescer.close()

    asyncio.run(scenario())


def test_closing_makes_what_waits_and_takes_no_more():
    async def scenario():
        sampler = Gated()
        coalescer = Coalescer(sampler, 20)
        tasks = [asyncio.create_task(coalescer.pictures(seeds(i, 5), None, 1.0)) for i in range(3)]
        await settled()
        closing = asyncio.create_task(asyncio.to_thread(coalescer.close))
        while coalescer.alive:
            await asyncio.sleep(0.001)
        with pytest.raises(ClosedError):
            await coalescer.pictures(seeds(1), None, 1.0)
        sampler.gate.release(9)
        assert [len(images) for images in await asyncio.gather(*tasks)] == [5, 5, 5]
        await closing

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["plain", "named", "several"])
def test_pictures_are_those_of_the_sampler_to_the_bit(models, kind):
    sampler = Sampler(models[kind], threads=1, batch=8)
    spec = sampler.spec

    async def scenario():
        coalescer = Coalescer(sampler, 100)
        wanted = [(seeds(7 * i, 1 + i), [1.0, 0.25][i % 2]) for i in range(8)]
        labels = [classes_from_seeds(of, spec.classes) if spec.classes else None for of, _ in wanted]
        tasks = [coalescer.pictures(of, c, psi) for (of, psi), c in zip(wanted, labels, strict=True)]
        for (of, psi), images in zip(wanted, await asyncio.gather(*tasks), strict=True):
            np.testing.assert_array_equal(images, sampler.sample(of, truncation=psi))
        coalescer.close()

    asyncio.run(scenario())
