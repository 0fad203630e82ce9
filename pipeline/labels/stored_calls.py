"""The calls in the store, with their words and what was extracted from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from pipeline.labels.mined_call import MinedCall, Payload, extracted_from, mined_call, spoken
from pipeline.labels.result_file import ResultsUnreadable, read_results
from pipeline.ports import VectorStore
from pipeline.store import calls
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.filters import of_tenant
from pipeline.store.known import Unknown
from pipeline.store.points import LIVE, call_point_id, of_call
from schemas.insight import CallInsight
from schemas.transcript import TranscriptCompleted

_PAGE: Final = 500


async def mined_call_ids(
    store: VectorStore, tenant_id: str, *, prompt_version: str | None = None
) -> AsyncIterator[str]:
    """The calls of a tenant that were mined and have ended; those of one version of a prompt where it is given."""
    after = None
    while True:
        hits, after = await store.page(CALLS, of_tenant(tenant_id), _PAGE, after)
        for hit in hits:
            if _is_mined(hit.payload) and prompt_version in {None, hit.payload.get("prompt_version")}:
                yield hit.payload["call_id"]
        if after is None:
            return


async def stored_call(store: VectorStore, tenant_id: str, call_id: str) -> MinedCall | None:
    """The call as it was mined last; None where it is not there, was not mined, or goes on."""
    hits = await store.get(CALLS, [call_point_id(tenant_id, call_id)])
    if not hits or not _is_mined(call := hits[0].payload):
        return None
    said = await calls.transcript(store, call_id, tenant_id=tenant_id)
    intents = sorted(await _intents(store, tenant_id, call_id), key=lambda one: (one["start_ms"], one["intent_id"]))
    return MinedCall(
        call_id=call_id,
        scenario=call["scenario"],
        language=call.get("language"),
        prompt_version=call.get("prompt_version", ""),
        duration_ms=said.duration_ms,
        segments=spoken(said.segments),
        items=extracted_from(_result(call, intents)),
        customer_id=said.customer_id,
    )


async def calls_of_results(store: VectorStore, tenant_id: str, path: Path) -> AsyncIterator[MinedCall]:
    """The calls of a file of results; the words of one whose line does not have them are those of the store.

    Raises:
        ResultsUnreadable: the file or a line cannot be read, or a call's words are nowhere.
    """
    for result in read_results(path):
        yield mined_call(result.transcript or await _words(store, tenant_id, result.insight), result.insight)


async def _words(store: VectorStore, tenant_id: str, insight: CallInsight) -> TranscriptCompleted:
    try:
        said = await calls.transcript(store, insight.call_id, tenant_id=tenant_id)
    except Unknown as error:
        hint = "a line may have the call as its transcript"
        raise ResultsUnreadable(
            f"the words of call {insight.call_id!r} are nowhere: {error.message}", hint=hint
        ) from error
    return said.as_event().model_copy(update={"call": insight.call, "language": insight.language})


def _is_mined(call: Payload) -> bool:
    return "extractor" in call and not call.get(LIVE)


def _result(call: Payload, intents: list[Payload]) -> dict[str, Any]:
    """In the form of an insight."""
    outcome = {
        "name": call.get("outcome_inferred"),
        "reason": call.get("outcome_inferred_reason", ""),
        "evidence": call.get("outcome_inferred_evidence", ()),
    }
    return {
        "intents": intents,
        "entities": call.get("entities", ()),
        "topics": [{"topic": name} for name in call.get("topics", ())],
        "outcome_inferred": outcome if outcome["name"] else None,
        "objections": call.get("objections", ()),
        "follow_ups": call.get("follow_ups", ()),
        "summary": call.get("summary", ""),
    }


async def _intents(store: VectorStore, tenant_id: str, call_id: str) -> list[Payload]:
    hits, after = await store.page(INTENTS, of_call(tenant_id, call_id), _PAGE)
    while after is not None:
        more, after = await store.page(INTENTS, of_call(tenant_id, call_id), _PAGE, after)
        hits += more
    return [hit.payload for hit in hits]
