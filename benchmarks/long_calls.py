"""What a call costs by its length, read by a language model in chunks and while it goes on.

``python -m benchmarks.long_calls --json [--plot docs/long-calls.svg]``. Calls of 5 to 90 minutes are made by joining
the sample calls. The extractor asks ``convmine fake-llm`` in its rule mode, over HTTP; tokens are those that server
counts: four ASCII characters each. ``ratio`` is how well a line explains the tokens (R²).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from joined_calls import joined_call

from benchmarks.line_plot import Plot
from benchmarks.report import Figures, Report, machine
from pipeline.extract.findings import Conversation, Findings
from pipeline.extract.live import CONTEXT_TURNS, build
from pipeline.extract.live_state import LiveConversation
from pipeline.extract.llm import CHUNK_TOKENS, LlmExtractor
from pipeline.extract.tokens import estimated_tokens
from pipeline.handling import Inbound, Position
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.openai_chat import OpenAIChat
from pipeline.scenarios.load import shipped
from schemas.call import CallEnded
from schemas.envelope import message
from schemas.insight import CallInsight, IntentExtracted, Provenance
from schemas.transcript import TranscriptSegment
from schemas.wire import CallEvent
from workers.fake_llm.server import FakeLlm

GOAL: Final = 0.99
MINUTES: Final = tuple(range(5, 95, 5))
LIVE_EVERY_S: Final = (0, 15, 30)
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_UNBOUNDED: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call took; ``largest_prompt`` by our own estimate, the tokens as the server counts them."""

    minutes: int
    chunks: int
    requests: int
    tokens: int
    largest_prompt: int

    def figures(self) -> Figures:
        """By name."""
        return {
            "chunks": self.chunks,
            "requests": self.requests,
            "tokens": self.tokens,
            "largest_prompt": self.largest_prompt,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """Tokens by minutes as a line: how much of their variance it explains, and the farthest that one lies from it."""

    a_minute: float
    at_0: float
    r_squared: float
    farthest_share: float


async def cost_of(minutes: int, base_url: str, server: FakeLlm) -> Cost:
    """Of one call, read after its end."""
    server.requests.clear()
    findings = await _mined(joined_call(minutes), base_url, CHUNK_TOKENS)
    return Cost(
        minutes=minutes,
        chunks=findings.provenance.chunks,
        requests=len(server.requests),
        tokens=_tokens(findings.provenance),
        largest_prompt=_largest_prompt(server),
    )


async def found_twice(minutes: int, base_url: str) -> Figures:
    """What chunks change in what is found of a call, and whether they find anything twice."""
    conversation = joined_call(minutes)
    in_chunks = await _mined(conversation, base_url, CHUNK_TOKENS)
    whole = await _mined(conversation, base_url, _UNBOUNDED)
    places = Counter((one.name, one.evidence.segment_id, one.evidence.quote) for one in in_chunks.intents)
    return {
        "intents": len(in_chunks.intents),
        "intents_in_one_prompt": len(whole.intents),
        "found_twice": sum(times - 1 for times in places.values()),
        "the_same_as_in_one_prompt": str(in_chunks.intents == whole.intents).lower(),
    }


async def live_cost(minutes: int, every_s: int, base_url: str, server: FakeLlm) -> Figures:
    """Of a call that is mined while it goes on, and as a whole when it has ended."""
    server.requests.clear()
    chat = _chat(base_url)
    handler = build(
        extractor=LlmExtractor(chat),
        scenarios=shipped,
        default_scenario="telecom",
        context_turns=CONTEXT_TURNS,
        every_s=every_s,
    )
    state: LiveConversation | None = None
    live = end = 0
    for event in _events(joined_call(minutes)):
        handled = await handler(event, state)
        state = handled.state or state
        for payload in (output.message.payload for output in handled.outputs):
            if isinstance(payload, IntentExtracted):
                live += _tokens(payload.provenance)
            elif isinstance(payload, CallInsight):
                end += _tokens(payload.provenance)
    await chat.close()
    return {
        "requests": len(server.requests),
        "tokens_while_it_goes_on": live,
        "tokens_at_its_end": end,
        "largest_prompt": _largest_prompt(server),
    }


def line_through(points: Sequence[tuple[float, float]]) -> Line:
    """Least squares; at least three points that are not all one."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    slope, at_0 = statistics.linear_regression(xs, ys)
    farthest = max(abs(y - (at_0 + slope * x)) / y for x, y in points)
    return Line(slope, at_0, statistics.correlation(xs, ys) ** 2, farthest)


async def measured() -> tuple[list[Cost], Report]:
    """All of it, with a server of its own."""
    server = FakeLlm()
    async with server.listening() as base_url:
        costs = [await cost_of(minutes, base_url, server) for minutes in MINUTES]
        twice = await found_twice(MINUTES[-1], base_url)
        live = {f"every {s} s": await live_cost(MINUTES[-1], s, base_url, server) for s in LIVE_EVERY_S}
    line = line_through([(cost.minutes, cost.tokens) for cost in costs])
    figures: Figures = {
        "calls": {f"{cost.minutes} min": cost.figures() for cost in costs},
        "line": {
            "tokens_a_minute": round(line.a_minute),
            "farthest_share": round(line.farthest_share, 3),
            "limit_of_a_prompt": CHUNK_TOKENS,
        },
        f"found in {MINUTES[-1]} min": twice,
        f"live, {MINUTES[-1]} min": live,
    }
    return costs, Report("long_calls", round(line.r_squared, 4), GOAL, figures, machine())


def plot(costs: Sequence[Cost]) -> Plot:
    """Tokens and the largest prompt by the call's length."""
    return Plot(
        title="What a call costs by its length, read in chunks",
        x_label="minutes of talk (sample calls, joined)",
        y_label="tokens",
        curves={
            "all requests": [(cost.minutes, cost.tokens) for cost in costs],
            "largest prompt": [(cost.minutes, cost.largest_prompt) for cost in costs],
        },
    )


async def _mined(conversation: Conversation, base_url: str, chunk_tokens: int) -> Findings:
    chat = _chat(base_url)
    try:
        return await LlmExtractor(chat, chunk_tokens=chunk_tokens).extract(conversation)
    finally:
        await chat.close()


def _chat(base_url: str) -> GuardedChat:
    # Of the whole call in one prompt the answer is long.
    return GuardedChat(OpenAIChat("fake-llm", base_url=base_url, api_key=None, timeout_s=60), most_tokens=200_000)


def _events(conversation: Conversation) -> list[Inbound]:
    said: list[CallEvent] = [
        TranscriptSegment(call_id="long", segment=segment, final=True) for segment in conversation.segments
    ]
    return [
        Inbound(
            message(
                payload,
                id=f"e{offset}",
                source="/benchmark",
                time=_START + timedelta(seconds=offset),
                subject="long",
                tenant_id="acme",
            ),
            Position("calls.transcripts.live", 0, offset),
        )
        for offset, payload in enumerate([*said, CallEnded(call_id="long", duration_ms=conversation.duration_ms)])
    ]


def _tokens(provenance: Provenance) -> int:
    return provenance.input_tokens + provenance.output_tokens


def _largest_prompt(server: FakeLlm) -> int:
    return max(
        sum(estimated_tokens(said["content"]) for said in request.body["messages"]) for request in server.requests
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.long_calls", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--plot", type=Path, help="write the curves as SVG")
    options = parser.parse_args()
    costs, report = asyncio.run(measured())
    if options.plot:
        options.plot.write_text(plot(costs).svg(), encoding="utf-8")
    report.show(as_json=options.json)


if __name__ == "__main__":
    main()
