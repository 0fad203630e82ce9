import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asr.batcher import Batching
from pipeline.dependencies import answered, noting_answers
from pipeline.errors import Config, Poison, Retryable
from pipeline.ports import Recognition, Speech

CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


class _JumpingSelector(selectors.SelectSelector):
    """Waits for nothing: where a loop would sleep, its clock jumps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for ever"
            self.now += timeout
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run(main: Coroutine[Any, Any, None]) -> None:
    """As ``asyncio.run``, but in no time; the loop's clock is exact."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        runner.run(main)


@dataclass
class Engine:
    """Takes its time, answers with the number in the first sample, and refuses what it is told to."""

    takes_s: float = 0.01
    refuses: Callable[[list[int]], BaseException | None] = lambda _: None
    batches: list[list[int]] = field(default_factory=list)
    begun_at: list[float] = field(default_factory=list)
    contexts: list[str] = field(default_factory=list)
    at_work: int = 0
    closed: bool = False
    name: str = "scripted"
    sample_rate_hz: int = 16_000

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        numbers = [int(speech.samples[0]) for speech in speeches]
        self.batches.append(numbers)
        self.begun_at.append(asyncio.get_running_loop().time())
        self.contexts.append(CALLER.get())
        self.at_work += 1
        assert self.at_work == 1
        await asyncio.sleep(self.takes_s)
        self.at_work -= 1
        if (error := self.refuses(numbers)) is not None:
            raise error
        answered("engine")
        return [Recognition(str(number)) for number in numbers]

    async def close(self) -> None:
        assert self.at_work == 0
        self.closed = True


def speeches(*numbers: int, hurried: bool = False) -> list[Speech]:
    return [Speech(np.full(1, number, dtype=np.float32), 16_000, hurried=hurried) for number in numbers]


def texts(recognitions: Sequence[Recognition]) -> list[int]:
    return [int(it.text) for it in recognitions]


@dataclass(frozen=True)
class Arrival:
    """A caller: when it comes, with how many stretches, hurried or not, and after what time it gives up."""

    at_s: float
    count: int
    hurried: bool
    patience_s: float | None


arrivals = st.lists(
    st.builds(
        Arrival,
        at_s=st.integers(0, 60).map(lambda it: it / 200),
        count=st.integers(0, 7),
        hurried=st.booleans(),
        patience_s=st.none() | st.integers(0, 40).map(lambda it: it / 200),
    ),
    max_size=12,
)


@given(arrivals=arrivals, size=st.integers(1, 6), wait_ms=st.sampled_from([0, 20, 50]))
def test_however_callers_arrive_and_leave_each_gets_its_own_answers_in_order(
    arrivals: list[Arrival], size: int, wait_ms: int
) -> None:
    engine = Engine()
    batching = Batching(engine, size=size, wait_ms=wait_ms)
    arrived: dict[int, float] = {}

    async def call(index: int, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.at_s)
        numbers = [index * 100 + one for one in range(arrival.count)]
        arrived.update(dict.fromkeys(numbers, arrival.at_s))
        try:
            async with asyncio.timeout(arrival.patience_s):
                assert texts(await batching.recognise(speeches(*numbers, hurried=arrival.hurried))) == numbers
        except TimeoutError:
            assert arrival.patience_s is not None

    async def main() -> None:
        await asyncio.gather(*(call(index, arrival) for index, arrival in enumerate(arrivals)))
        await batching.close()

    run(main())

    begun = [number for batch in engine.batches for number in batch]
    assert len(begun) == len(set(begun))
    assert set(begun) <= set(arrived)
    assert all(
        number in begun
        for index, arrival in enumerate(arrivals)
        if arrival.patience_s is None
        for number in range(index * 100, index * 100 + arrival.count)
    )
    ended = 0.0
    for batch, at in zip(engine.batches, engine.begun_at, strict=True):
        assert 0 < len(batch) <= size
        due = min(arrived[number] + (0 if arrivals[number // 100].hurried else wait_ms / 1_000) for number in batch)
        assert at <= max(due, ended) + 1e-6
        ended = at + engine.takes_s


@given(arrivals=arrivals, size=st.integers(1, 4))
def test_no_batch_takes_an_unhurried_stretch_while_a_hurried_one_is_left_behind(
    arrivals: list[Arrival], size: int
) -> None:
    engine = Engine(takes_s=0.05)
    batching = Batching(engine, size=size, wait_ms=10)
    waiting: dict[int, tuple[bool, float]] = {}

    async def call(index: int, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.at_s)
        numbers = [index * 100 + one for one in range(arrival.count)]
        now = asyncio.get_running_loop().time()
        waiting.update(dict.fromkeys(numbers, (arrival.hurried, now)))
        await batching.recognise(speeches(*numbers, hurried=arrival.hurried))

    async def main() -> None:
        await asyncio.gather(*(call(index, arrival) for index, arrival in enumerate(arrivals)))
        await batching.close()

    run(main())

    for batch, at in zip(engine.batches, engine.begun_at, strict=True):
        hurried = [waiting[number][0] for number in batch]
        for number in batch:
            del waiting[number]
        if not all(hurried):
            assert not [number for number, (hurry, since) in waiting.items() if hurry and since < at]


def test_stretches_of_several_callers_share_a_batch_and_a_full_one_does_not_wait() -> None:
    engine = Engine()
    batching = Batching(engine, size=4, wait_ms=30)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(batching.recognise(speeches(1, 2)))
            group.create_task(batching.recognise(speeches(3, 4, 5)))
        await batching.close()

    run(main())
    assert engine.batches == [[1, 2, 3, 4], [5]]
    assert engine.begun_at == pytest.approx([0.0, 0.03])
    assert engine.closed


def test_a_hurried_stretch_goes_at_once_and_what_comes_while_the_engine_is_busy_goes_together() -> None:
    engine = Engine(takes_s=0.2)
    batching = Batching(engine, size=4, wait_ms=30)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(batching.recognise(speeches(1)))
            await asyncio.sleep(0.01)
            group.create_task(batching.recognise(speeches(2, hurried=True)))
            await asyncio.sleep(0.05)
            group.create_task(batching.recognise(speeches(3, hurried=True)))
            group.create_task(batching.recognise(speeches(4, hurried=True)))
        await batching.close()

    run(main())
    assert engine.batches == [[2, 1], [3, 4]]
    assert engine.begun_at == pytest.approx([0.01, 0.21])


@pytest.mark.parametrize("cancelled", [1, 2])
def test_what_a_cancelled_caller_has_waiting_never_reaches_the_engine(cancelled: int) -> None:
    engine = Engine(takes_s=1.0)
    batching = Batching(engine, size=2, wait_ms=0)

    async def main() -> None:
        calls = [asyncio.create_task(batching.recognise(speeches(first, first + 1))) for first in (10, 20, 30)]
        await asyncio.sleep(0.5)
        calls[cancelled].cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(it, asyncio.CancelledError) for it in ended] == [index == cancelled for index in range(3)]
        await batching.close()

    run(main())
    assert engine.batches == [[10, 11], [30, 31] if cancelled == 1 else [20, 21]]


def test_a_cancelled_caller_whose_batch_has_begun_disturbs_nobody_in_it() -> None:
    engine = Engine(takes_s=1.0)
    batching = Batching(engine, size=2, wait_ms=0)

    async def main() -> None:
        gone, stays = (asyncio.create_task(batching.recognise(speeches(number))) for number in (1, 2))
        await asyncio.sleep(0.5)
        gone.cancel()
        assert texts(await stays) == [2]
        await batching.close()

    run(main())
    assert engine.batches == [[1, 2]]


async def failing(batching: Batching, *numbers: int) -> Exception | list[int]:
    try:
        return texts(await batching.recognise(speeches(*numbers)))
    except Exception as error:  # noqa: BLE001 - whatever comes is looked at
        return error


@pytest.mark.parametrize(
    "error", [Poison("refused"), ValueError("a fault"), Retryable("late", dependency="x", alone=True)]
)
def test_an_error_is_that_of_the_caller_whose_stretch_it_is_about_and_not_of_the_others(error: Exception) -> None:
    engine = Engine(refuses=lambda numbers: error if 2 in numbers else None)
    batching = Batching(engine, size=8, wait_ms=0)

    async def main() -> None:
        ended = list(await asyncio.gather(failing(batching, 1, 11), failing(batching, 2, 12), failing(batching, 3)))
        assert ended == [[1, 11], error, [3]]
        await batching.close()

    run(main())
    assert engine.batches == [[1, 11, 2, 12, 3], [1, 11], [2, 12], [3]]


@pytest.mark.parametrize("error", [Retryable("no memory", dependency="x"), Config("KEY", "is refused")])
def test_an_error_of_the_engine_itself_goes_to_all_and_is_not_tried_again_here(error: Exception) -> None:
    engine = Engine(refuses=lambda _: error)
    batching = Batching(engine, size=8, wait_ms=0)

    async def main() -> None:
        assert list(await asyncio.gather(failing(batching, 1), failing(batching, 2))) == [error, error]
        await batching.close()

    run(main())
    assert engine.batches == [[1, 2]]


def test_the_error_of_a_caller_alone_is_not_tried_again_and_its_other_stretches_are_dropped() -> None:
    engine = Engine(refuses=lambda _: Poison("refused"))
    batching = Batching(engine, size=2, wait_ms=0)

    async def main() -> None:
        assert isinstance(await failing(batching, 1, 2, 3, 4, 5), Poison)
        await batching.close()

    run(main())
    assert engine.batches == [[1, 2]]


def test_closing_finishes_what_has_begun_gives_up_what_waits_and_takes_nothing_more() -> None:
    engine = Engine(takes_s=1.0)
    batching = Batching(engine, size=1, wait_ms=0)

    async def main() -> None:
        first, second = (asyncio.create_task(failing(batching, number)) for number in (1, 2))
        await asyncio.sleep(0.5)
        await batching.close()
        assert await first == [1]
        assert isinstance(await second, Retryable)
        assert isinstance(await failing(batching, 3), Retryable)

    run(main())
    assert engine.batches == [[1]]
    assert engine.closed


def test_an_engine_that_was_stopped_in_the_middle_leaves_nobody_waiting() -> None:
    engine = Engine(refuses=lambda _: asyncio.CancelledError())
    batching = Batching(engine, size=1, wait_ms=0)

    async def main() -> None:
        ended = await asyncio.gather(failing(batching, 1), failing(batching, 2))
        assert all(isinstance(it, Retryable) for it in ended)

    run(main())


def test_a_batch_runs_in_no_callers_context_but_each_caller_learns_which_dependency_answered() -> None:
    engine = Engine()
    batching = Batching(engine, size=8, wait_ms=0)

    async def call(number: int) -> None:
        CALLER.set(f"caller {number}")
        with noting_answers() as noted:
            await batching.recognise(speeches(number))
        assert noted == {"engine"}

    async def main() -> None:
        await asyncio.gather(call(1), call(2))
        await batching.close()

    run(main())
    assert engine.contexts == ["nobody"]


def test_a_call_with_nothing_to_hear_answers_at_once() -> None:
    engine = Engine()

    async def main() -> None:
        assert await Batching(engine, size=8, wait_ms=1_000).recognise([]) == []

    run(main())
    assert engine.batches == []
