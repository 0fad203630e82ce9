from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_servers import FixedWindow, Seen, Server, SlidingWindow, TokenBucket, saturate
from simulated_time import now, simulated

from pipeline.errors import Retryable
from pipeline.llm.pace import Pace, heard

MakeServer = Callable[[int, float], Server]
SERVERS: dict[str, MakeServer] = {
    "fixed window": FixedWindow,
    "token bucket": lambda limit, _: TokenBucket(limit),
    "small token bucket": lambda limit, _: TokenBucket(limit, max(5, limit // 20)),
    "sliding window, tells the last": lambda limit, _: SlidingWindow(limit, tells_last=True),
    "sliding window, tells the next": lambda limit, _: SlidingWindow(limit, tells_last=False),
}


def asked(  # noqa: PLR0913 - each is a matter of its own
    kind: str, limit: int, *, phase_s: float = 0.0, latency_s: float = 1.0, own: int | None = None, tells: bool = True
) -> Seen:
    """Three minutes with always enough requests that wait."""

    async def main() -> Seen:
        server, pace = SERVERS[kind](limit, phase_s), Pace(requests_per_minute=own)
        at_once = 10 + int(2 * latency_s * limit / 60)
        return await saturate([pace], server, at_once=at_once, latency_s=latency_s, for_s=180, tells=tells)

    return simulated(main())


@pytest.mark.parametrize("kind", SERVERS)
def test_of_600_a_minute_95_percent_are_used_and_with_the_limit_set_none_is_refused(kind: str) -> None:
    for tells in (True, False):
        seen = asked(kind, 600, own=600, tells=tells)
        assert seen.refused == []
        assert seen.passed_between(60, 120) >= 570
        assert seen.passed_between(120, 180) >= 570


@pytest.mark.parametrize("kind", SERVERS)
def test_of_600_a_minute_95_percent_are_used_where_only_the_headers_tell_the_limit(kind: str) -> None:
    seen = asked(kind, 600)
    assert seen.passed_between(60, 180) >= 2 * 570
    assert seen.most_tries <= 4
    assert len([at for at in seen.refused if at >= 5]) <= 20  # before, nobody could know


@given(
    kind=st.sampled_from(sorted(SERVERS)),
    limit=st.integers(30, 300),
    phase_s=st.floats(0, 59),
    latency_s=st.floats(0.05, 8),
)
@settings(max_examples=15)
def test_a_limit_that_is_set_is_used_and_never_passed_whatever_the_server_counts_by(
    kind: str, limit: int, phase_s: float, latency_s: float
) -> None:
    seen = asked(kind, limit, phase_s=phase_s, latency_s=latency_s, own=limit)
    assert seen.refused == []
    assert seen.passed_between(60, 180) >= 0.95 * 2 * limit - 2  # those under way when the two minutes begin and end


@given(
    kind=st.sampled_from(sorted(SERVERS)),
    limit=st.integers(60, 300),
    phase_s=st.floats(0, 59),
    latency_s=st.floats(0.05, 8),
)
@settings(max_examples=15)
def test_a_limit_that_only_the_headers_tell_is_used_and_no_request_is_refused_for_ever(
    kind: str, limit: int, phase_s: float, latency_s: float
) -> None:
    seen = asked(kind, limit, phase_s=phase_s, latency_s=latency_s)
    assert seen.passed_between(60, 180) >= 0.94 * 2 * limit
    assert seen.most_tries <= 5


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("burst", [1, 180])
def test_workers_that_share_a_limit_and_do_not_know_of_each_other_use_nine_tenths(burst: int, workers: int) -> None:
    async def main() -> Seen:
        server, paces = TokenBucket(180, burst), [Pace() for _ in range(workers)]
        # On the way a request takes its time: where none is saved up, one that comes a little early is refused.
        return await saturate(
            paces, server, at_once=8, latency_s=1.0, for_s=180.0, tells=True, tells_ms=True, way_s=0.02
        )

    seen = simulated(main())
    assert seen.passed_between(60, 180) >= 0.9 * 2 * 180


@pytest.mark.parametrize("kind", ["fixed window", "sliding window, tells the last"])
def test_a_limit_that_nobody_tells_is_found_out_from_what_passes(kind: str) -> None:
    seen = asked(kind, 300, tells=False)
    assert seen.passed_between(60, 180) >= 0.85 * 2 * 300
    assert seen.most_tries <= 4


def test_without_any_limit_nothing_waits() -> None:
    async def main() -> None:
        pace, began = Pace(), now()
        for _ in range(1_000):
            async with pace.turn(10_000) as turn:
                turn.heard(200, {"content-type": "application/json"})
        assert now() == began

    simulated(main())


def test_turns_are_spread_evenly_and_given_in_the_order_of_asking() -> None:
    async def main() -> None:
        pace = Pace(requests_per_minute=60)
        given_at: dict[int, float] = {}

        async def ask(number: int) -> None:
            async with pace.turn(1):
                given_at[number] = now()

        await asyncio.gather(*(ask(number) for number in range(20)))
        assert list(given_at) == list(range(20))
        gaps = [after - before for before, after in pairwise(given_at.values())]
        assert all(0.45 < gap < 1.1 for gap in gaps)
        assert sum(gaps) == pytest.approx(19, rel=0.05)

    simulated(main())


def test_who_is_cancelled_while_waiting_takes_no_turn_and_holds_up_nobody() -> None:
    async def main() -> None:
        pace, done = Pace(requests_per_minute=60), []

        async def ask(number: int) -> None:
            async with pace.turn(1):
                done.append((number, now()))

        began = now()
        tasks = [asyncio.create_task(ask(number)) for number in range(6)]
        await asyncio.sleep(0.5)
        for number in (1, 2, 4):  # the first of those that wait is among them
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [number for number, _ in done] == [0, 3, 5]
        assert done[-1][1] - began < 2.2

    simulated(main())


def test_after_a_429_nothing_is_sent_for_as_long_as_the_server_asks() -> None:
    async def main() -> None:
        pace, began = Pace(), now()
        async with pace.turn(1) as turn:
            turn.heard(429, {"retry-after": "20"})
            assert turn.limited_s == 20
        async with pace.turn(1):
            assert now() - began == pytest.approx(20)

    simulated(main())


def test_a_429_that_says_nothing_is_waited_out_for_a_second() -> None:
    async def main() -> None:
        pace, began = Pace(), now()
        async with pace.turn(1) as turn:
            turn.heard(429, {})
        async with pace.turn(1):
            assert now() - began == pytest.approx(1)

    simulated(main())


def test_where_nothing_is_let_through_for_minutes_the_runtime_is_told_how_long() -> None:
    async def main() -> None:
        pace = Pace()
        async with pace.turn(1) as turn:
            turn.heard(429, {"retry-after": "7200"})
        with pytest.raises(Retryable, match="7200 s") as caught:
            async with pace.turn(1):
                pass
        assert caught.value.retry_after_s == pytest.approx(7_200)

    simulated(main())


def test_an_own_limit_of_tokens_spreads_by_what_was_really_used() -> None:
    async def main() -> None:
        pace, began = Pace(tokens_per_minute=6_000), now()
        for _ in range(61):
            async with pace.turn(2_000) as turn:  # thought to be much
                turn.used(100)
        assert now() - began == pytest.approx(61, rel=0.06)

    simulated(main())


def test_a_request_that_is_larger_than_a_limit_is_let_through_all_the_same() -> None:
    async def main() -> None:
        own, theirs = Pace(tokens_per_minute=100), Pace()
        async with theirs.turn(1) as turn:
            limits = {"limit": "100", "remaining": "40", "reset": "30s"}
            turn.heard(200, {f"x-ratelimit-{name}-tokens": value for name, value in limits.items()})
        for pace in (own, theirs):
            async with asyncio.timeout(400):
                async with pace.turn(500), pace.turn(1):
                    pass

    simulated(main())


def test_nothing_is_sent_while_the_server_has_said_that_nothing_is_left() -> None:
    async def main() -> None:
        pace, began = Pace(), now()
        async with pace.turn(1) as turn:
            limits = {"limit": "600", "remaining": "0", "reset": "3s"}
            turn.heard(200, {f"x-ratelimit-{name}-requests": value for name, value in limits.items()})
            assert turn.limited_s is None
        async with pace.turn(1):
            assert now() - began == pytest.approx(3)

    simulated(main())


def test_what_a_server_says_is_heard_by_the_turn_it_is_said_in_and_by_no_other() -> None:
    async def main() -> None:
        pace, other = Pace(), Pace()
        heard(429, {"retry-after": "60"})  # in no turn
        async with pace.turn(1) as turn:
            heard(429, {"retry-after": "60"})
            assert turn.limited_s == 60
            async with other.turn(1) as free:
                assert free.limited_s is None
        heard(429, {"retry-after": "90"})
        began = now()
        async with pace.turn(1):
            assert now() - began == pytest.approx(60)

    simulated(main())
