"""Flow states of a live call as the suggest stage is handed them, and what it publishes."""

from __future__ import annotations

from typing import Any

from live_events import inbound, payloads, run, segment

from pipeline.handling import Inbound
from pipeline.scenarios.load import shipped
from pipeline.suggest.live import build
from pipeline.testing import InMemoryStore
from schemas.flow import FlowState, Guidance
from schemas.insight import CallInsight, Entity, Evidence, Extractor, Intent, IntentExtracted, Provenance
from schemas.suggestion import SuggestionCreated, SuggestionWithdrawn
from schemas.wire import CallEvent, CallFacts, Lane, Role

TOPICS = {"ask_roaming": "roaming"}


def heard(  # noqa: PLR0913 - one argument a thing that is said
    number: int,
    *names: str,
    text: str | None = None,
    role: Role = Role.CUSTOMER,
    slots: dict[str, str] | None = None,
    language: str = "en",
    scenario: str = "telecom",
    guidance: Guidance | None = None,
) -> FlowState:
    """The flow state of turn ``number``, in which one side says these intents, in their own names or in this text."""
    spoken = segment(number, " ".join(names) if text is None else text, role)
    said = [
        Evidence(segment_id=spoken.segment_id, role=role, start_ms=spoken.start_ms, end_ms=spoken.end_ms, quote=quote)
        for quote in (*names, *(slots or {}).values())
    ]
    words = IntentExtracted(
        call_id="c1",
        language=language,
        segments=(spoken,),
        intents=tuple(
            Intent(
                intent_id=f"{name}-{number}",
                name=name,
                role=role,
                topic=TOPICS.get(name),
                confidence=0.9,
                evidence=(evidence,),
            )
            for name, evidence in zip(names, said, strict=False)
        ),
        entities=tuple(
            Entity(entity_id=f"{name}-{number}", name=name, value=value, role=role, evidence=said[-1:])
            for name, value in (slots or {}).items()
        ),
        provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario=scenario, scenario_version=1),
    )
    call = CallFacts(agent="ann")
    return FlowState(call_id="c1", call=call, lane=Lane.LIVE, path=(), heard=words, guidance=guidance)


def whole(scenario: str = "telecom") -> FlowState:
    """The flow state of the call when it has ended."""
    made = Provenance(extractor=Extractor.LEXICAL, model="m", scenario=scenario, scenario_version=1)
    insight = CallInsight(call_id="c1", lane=Lane.LIVE, language="en", duration_ms=1, intents=(), provenance=made)
    return FlowState(call_id="c1", lane=Lane.LIVE, path=(), insight=insight)


def event(payload: CallEvent, offset: int, at_s: float | None = None) -> Inbound:
    """A turn is heard five seconds after it began, if nothing else is said."""
    number = 0
    if isinstance(payload, FlowState) and payload.heard is not None:
        number = payload.heard.segments[0].start_ms // 1_000
    return inbound(payload, offset, at_s=number + 5 if at_s is None else at_s)


def events(*payloads: CallEvent) -> list[Inbound]:
    """One after the other, each heard in time."""
    return [event(payload, offset) for offset, payload in enumerate(payloads)]


async def published(*sent: CallEvent | Inbound, store: InMemoryStore | None = None, **options: Any) -> list[object]:
    """What the live lane publishes of these; ``options`` are those of ``build``."""
    live = build(**{"scenarios": shipped, "store": store or InMemoryStore(), **options})
    handed = [one if isinstance(one, Inbound) else event(one, offset) for offset, one in enumerate(sent)]
    outputs, _ = await run(live, handed)
    assert all(output.topic == "sales.suggestions" for output in outputs)
    return payloads(outputs)


def cards(sent: list[object]) -> list[str]:
    """The cards that were shown, in order."""
    return [one.card_id for one in sent if isinstance(one, SuggestionCreated)]


def withdrawn(sent: list[object]) -> list[str]:
    """Why suggestions were taken back, in order."""
    return [one.reason for one in sent if isinstance(one, SuggestionWithdrawn)]
