"""CPU time without a server: a call's prompt, validation and grounding, and the lexical extractor's utterances."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.llm_material import SCENARIO, Material, utterances
from pipeline.extract.findings import Conversation
from pipeline.extract.llm import LlmExtractor
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import build, conversation_of
from pipeline.handling import Inbound
from pipeline.llm.guarded import GuardedChat
from pipeline.ports import ChatAnswer, ChatRequest
from pipeline.scenarios.load import shipped
from pipeline.settings import ExtractSettings, Settings
from schemas.transcript import Segment
from schemas.wire import Role
from workers.records import NewRecord, Record, read_event


class Instant:
    """A model that has its answers ready, one for each sample call in turn."""

    def __init__(self, answers: tuple[str, ...]) -> None:
        self._answers: Iterator[str] = itertools.cycle(answers)

    @property
    def name(self) -> str:
        return "instant"

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        """The next one, whatever is asked."""
        del request
        return ChatAnswer(next(self._answers), self.name, "stop")

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU milliseconds a call: of prompt, validation and grounding, and of the whole handler, its insight included."""

    extractor_ms: float
    handler_ms: float


async def cpu_time(found: Material, *, calls: int) -> CpuTime:
    """Both, each after every sample call was met."""
    extractor = LlmExtractor(GuardedChat(Instant(found.answers)))
    handle = build(extractor=extractor, scenarios=shipped, default_scenario=SCENARIO)
    samples = len(found.transcripts)
    conversations = [conversation_of(one, shipped, SCENARIO, "acme") for one in found.transcripts]
    rounds = max(1, calls // samples)
    inbound = [_inbound(record) for record in found.records(samples * (rounds + 1))]

    async def extract() -> None:
        for conversation in conversations:
            await extractor.extract(conversation)

    async def handle_round(number: int) -> None:
        for one in inbound[number * samples : (number + 1) * samples]:
            await handle(one)

    await extract()
    await handle_round(0)
    taken = []
    for work in (lambda _: extract(), handle_round):
        began = time.process_time()
        for number in range(1, rounds + 1):
            await work(number)
        taken.append((time.process_time() - began) / (rounds * samples) * 1e3)
    return CpuTime(*taken)


def _inbound(new: NewRecord) -> Inbound:
    inbound = read_event(Record(new.topic, 0, 0, new.key, new.value, new.headers))
    assert inbound is not None
    return inbound


async def lexical_per_second(found: Material, *, count: int, longest: int) -> tuple[float, float]:
    """Utterances a second of CPU time, and their mean length in words; those of at most ``longest`` characters."""
    scenario = shipped(SCENARIO)
    edition = scenario.edition("en")
    short = [text for text in utterances(found.transcripts) if len(text) <= longest and text.isascii()]
    said = list(itertools.islice(itertools.cycle(short), count))
    segments = tuple(
        Segment(
            segment_id=f"u{number}",
            role=Role.CUSTOMER if number % 2 else Role.AGENT,
            start_ms=number * 1_000,
            end_ms=number * 1_000 + 900,
            text=text,
        )
        for number, text in enumerate(said)
    )
    conversation = Conversation(segments, count * 1_000, scenario, edition)
    extractor = build_extractor(Settings(extract=ExtractSettings(extractor="lexical")), shipped)
    await extractor.extract(Conversation(segments[:50], 50_000, scenario, edition))  # which is when it learns
    began = time.process_time()
    await extractor.extract(conversation)
    taken = time.process_time() - began
    await extractor.close()
    return count / taken, sum(len(text.split()) for text in said) / count
