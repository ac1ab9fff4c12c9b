"""Waiting for clients, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from asr.serve.patience import Patience

NEVER, LONG, SHORT = 1000.0, 100.0, 0.02


async def told(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_what_comes_in_time_is_given_and_leaves_one_timer() -> None:
    async def many() -> int:
        patience, loop = Patience(), asyncio.get_running_loop()
        assert [await patience.wait(told(number), LONG) for number in range(500)] == list(range(500))
        return len(loop._scheduled)  # type: ignore[attr-defined]

    assert asyncio.run(many()) == 1


def test_each_wait_has_its_own_end() -> None:
    async def twice() -> None:
        patience = Patience()
        for seconds in (LONG, SHORT, 0.0, -1.0):
            assert await patience.wait(told(1), max(seconds, SHORT)) == 1
            if seconds != LONG:
                with pytest.raises(TimeoutError):
                    await patience.wait(asyncio.sleep(NEVER), seconds)

    asyncio.run(twice())


def test_a_wait_ends_no_earlier_than_it_may_though_the_timer_was_of_another() -> None:
    async def timed() -> float:
        patience, loop = Patience(), asyncio.get_running_loop()
        await patience.wait(told(1), SHORT)
        begin = loop.time()
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.sleep(NEVER), 3 * SHORT)
        return loop.time() - begin

    assert asyncio.run(timed()) >= 3 * SHORT - 0.001


def test_a_wait_under_way_can_be_cut_short() -> None:
    async def cut() -> None:
        patience = Patience()
        asyncio.get_running_loop().call_later(SHORT, patience.lasts, SHORT)
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.sleep(NEVER), LONG)

    asyncio.run(cut())


def test_who_ends_the_task_is_not_told_that_time_was_up() -> None:
    async def ended() -> None:
        patience = Patience()
        waiting = asyncio.create_task(patience.wait(asyncio.sleep(NEVER), LONG))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(ended())


def test_after_a_wait_in_vain_the_next_one_is_as_good() -> None:
    async def again() -> int:
        patience = Patience()
        with pytest.raises(TimeoutError):
            await patience.wait(asyncio.sleep(NEVER), SHORT)
        return await patience.wait(told(7), LONG)

    assert asyncio.run(again()) == 7
