"""Calls that can be heard: with the times of their words, a recording, what was mined, and what strangers may write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gateway_app import made_store
from mined_calls import FACTS, feedback, flow_state, inbound, insight, outcome, suggestion

from pipeline.asr.fetch import build_store
from pipeline.settings import AudioSettings
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.insight import ComplianceHit, ComplianceKind, Entity, Evidence, Handling, Intent, Objection
from schemas.suggestion import FeedbackKind
from schemas.transcript import MaskedSpan, Segment, TranscriptCompleted, Word
from schemas.wire import CallFacts, Role
from workers.dashboard.drawing.room import add_drawing
from workers.dashboard.recordings.copies import Copies
from workers.dashboard.recordings.finding import NamedRecordings
from workers.dashboard.recordings.room import recordings_room
from workers.gateway.app import Room
from workers.gateway.auditing import Auditing

HEARD = "call-heard"
MIXED = "call-mixed"
SCRIPT = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
RATE_HZ = 8_000
SAID = (
    (Role.AGENT, "Good morning and welcome, this call is recorded for quality."),
    (Role.CUSTOMER, "I am paying sixty dollars a month and my card is [CARD] and that is too expensive for me."),
    (Role.AGENT, "I guarantee you a discount of ten percent for a year."),
    (Role.CUSTOMER, f"Then {SCRIPT} I want to cancel my contract tomorrow."),
)
ZH = (
    (Role.AGENT, "您好,欢迎致电港湾移动,请问有什么可以帮您?"),
    (
        Role.CUSTOMER,
        "我觉得这个套餐太贵了,我看到 SilverLine 的 Unlimited Plus 5G 套餐每个月只要 99 元,还送 Netflix 会员。" * 4,
    ),
    (Role.AGENT, "我可以给您打九折,合约期一年。"),
    (Role.CUSTOMER, "那我考虑一下 supercalifragilisticexpialidocious-" + "x" * 120),
)


def segments(said: tuple[tuple[Role, str], ...], turn_ms: int = 6_000) -> tuple[Segment, ...]:
    """Turn after turn, with the time of each word; what is masked is the placeholder's word."""
    found = []
    for number, (role, text) in enumerate(said):
        start, words = number * turn_ms, text.split()
        each = (turn_ms - 500) // len(words)
        timed = tuple(
            Word(text=word, start_ms=start + at * each, end_ms=start + (at + 1) * each) for at, word in enumerate(words)
        )
        masked = tuple(
            MaskedSpan(kind="card", start_ms=word.start_ms, end_ms=word.end_ms)
            for word in timed
            if "[CARD]" in word.text
        )
        found.append(
            Segment(
                segment_id=f"s{number}",
                channel=number % 2,
                role=role,
                start_ms=start,
                end_ms=start + turn_ms - 500,
                text=text,
                words=timed,
                masked=masked,
            )
        )
    return tuple(found)


def evidence(said: tuple[Segment, ...], number: int, quote: str) -> tuple[Evidence, ...]:
    """Words of a turn."""
    one = said[number]
    assert quote in one.text
    return (Evidence(segment_id=one.segment_id, role=one.role, start_ms=one.start_ms, end_ms=one.end_ms, quote=quote),)


def _intent(said: tuple[Segment, ...], number: int, name: str, quote: str) -> Intent:
    return Intent(
        intent_id=f"i{number}-{name}",
        name=name,
        role=said[number].role,
        topic="price",
        confidence=0.9,
        evidence=evidence(said, number, quote),
    )


async def put_heard(store: InMemoryStore, call_id: str = HEARD, agent: str = "ann") -> None:
    """A call with all that is mined, and script where people and models may write."""
    handler = build(store=store)
    facts = FACTS.model_copy(update={"agent": agent})
    said = segments(SAID)
    mined = insight(
        call_id,
        (
            _intent(said, 0, "agent_opening", "Good morning and welcome"),
            _intent(said, 1, "price_objection", "that is too expensive"),
            _intent(said, 2, "make_offer", "a discount of ten percent"),
            _intent(said, 3, SCRIPT[:60], "cancel my contract"),
        ),
        facts=facts,
    ).model_copy(
        update={
            "duration_ms": 24_000,
            "summary": f"The customer finds it too expensive. {SCRIPT}",
            "entities": (
                Entity(
                    entity_id="e",
                    name="amount",
                    value="60",
                    amount=60,
                    unit="USD",
                    role=Role.CUSTOMER,
                    evidence=evidence(said, 1, "sixty dollars"),
                ),
            ),
            "objections": (
                Objection(
                    objection_id="o",
                    role=Role.CUSTOMER,
                    topic="price",
                    handling=Handling.PARTLY,
                    evidence=evidence(said, 1, "too expensive for me"),
                    answer=evidence(said, 2, "a discount of ten percent"),
                ),
            ),
            "compliance": (
                ComplianceHit(
                    kind=ComplianceKind.FORBIDDEN_PHRASE,
                    name="promise",
                    evidence=evidence(said, 2, "I guarantee you"),
                ),
                ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name="right_to_withdraw"),
            ),
            "follow_ups": (),
            "sentiments": (),
        }
    )
    told = TranscriptCompleted(
        call_id=call_id, call=facts, language="en", duration_ms=24_000, engine="test", segments=said
    )
    advice = suggestion(call_id).model_copy(update={"title": f"Offer the loyalty discount {SCRIPT}"})
    for event in (told, mined, flow_state(mined), advice, outcome(call_id), feedback(call_id, FeedbackKind.ACCEPTED)):
        await handler(inbound(event))


async def put_mixed(store: InMemoryStore) -> None:
    """A call in Chinese with English names in it, and words without an end."""
    handler = build(store=store)
    facts = CallFacts.model_validate({**FACTS.model_dump(), "language": "zh"})
    said = segments(ZH)
    mined = insight(
        MIXED,
        (_intent(said, 1, "price_objection", "这个套餐太贵了"), _intent(said, 2, "make_offer", "给您打九折")),
        facts=facts,
    ).model_copy(
        update={
            "duration_ms": 24_000,
            "summary": "客户认为套餐太贵,提到 SilverLine 的 Unlimited Plus 5G 套餐。",
            "language": "zh",
            **dict.fromkeys(("entities", "objections", "follow_ups", "sentiments", "compliance"), ()),
        }
    )
    told = TranscriptCompleted(
        call_id=MIXED, call=facts, language="zh", duration_ms=24_000, engine="test", segments=said
    )
    for event in (told, mined, flow_state(mined)):
        await handler(inbound(event))


async def heard_store() -> InMemoryStore:
    """The store of ``gateway_app``, and calls that can be heard."""
    store = await made_store()
    await put_heard(store)
    await put_heard(store, "call-of-bob", "bob")
    await put_mixed(store)
    return store


def write_recording(folder: Path, call_id: str = HEARD, seconds: float = 24.0) -> Path:
    """A recording of two channels: a tone, as long as the call."""
    import soundfile

    path = folder / f"{call_id}.wav"
    frames = np.arange(round(RATE_HZ * seconds))
    tone = 0.3 * np.sin(2 * np.pi * 440 * frames / RATE_HZ)
    soundfile.write(path, np.stack([tone, tone], axis=1), RATE_HZ, "PCM_16")
    return path


def rooms_of(folder: Path, auditing: Auditing | None = None) -> tuple[Room, ...]:
    """What the pages of insights and calls ask besides, with recordings in a folder."""
    audio = build_store(AudioSettings(allowed_roots=(folder,)))
    named = NamedRecordings(f"file://{folder}/{{call_id}}.wav")
    return add_drawing, recordings_room(named, Copies(audio), auditing)
