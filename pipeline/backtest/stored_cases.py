"""The calls of a back-test from the store, with what people have labelled and how the calls are known to have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.backtest.cases import Case, CasesUnreadable, named_item
from pipeline.backtest.items import SCORED, Item, ScoredField, place_of
from pipeline.labels.label import Item as Judged
from pipeline.labels.label import Label, by_call
from pipeline.labels.majority import last_words, majority
from pipeline.ports import VectorStore, Where
from pipeline.scenarios.model import Edition, Scenario, Taxonomy
from pipeline.store import calls
from pipeline.store.answers import CallRow, StoredTranscript
from pipeline.store.collections import CALLS
from pipeline.store.filters import both, of_tenant
from pipeline.workbench.place import Workbench
from schemas.transcript import Segment

# Fields whose items are of the whole call, whatever segment a label names.
_OF_THE_CALL: Final = frozenset({"entities", "topics", "outcome"})


@dataclass(frozen=True, slots=True)
class StoredCases:
    """The calls; ``lost`` counts labels of segments that their call no longer has, because it was heard anew."""

    cases: tuple[Case, ...]
    lost: int


async def stored_cases(  # noqa: PLR0913 - one argument an option
    store: VectorStore,
    workbench: Workbench,
    *,
    tenant_id: str,
    scenario: Scenario,
    edition: Edition,
    since: datetime | None,
    limit: int,
) -> StoredCases:
    """Calls of a scenario and language that are over and have words: those with labels first, then the newest.

    Args:
        store: where the calls are.
        workbench: where the labels are.
        tenant_id: whose calls.
        scenario: which of them.
        edition: in which language, and the names that labels may have.
        since: only those that began then or later.
        limit: at most so many.

    Raises:
        CasesUnreadable: there is no such call, or a label has a name that is not in the taxonomy.
        Retryable: the store or the workbench is away.
    """
    labels = by_call(await workbench.labels(tenant_id))
    rows = await _rows(store, tenant_id, scenario, edition, since)
    rows.sort(key=lambda row: (row.call_id in labels, row.started_at or "", row.call_id), reverse=True)
    cases: list[Case] = []
    lost = 0
    for row in rows:
        if len(cases) == limit:
            break
        stored = await calls.transcript(store, row.call_id, tenant_id=tenant_id)
        if any(segment.text.strip() for segment in stored.segments):
            judged = labels.get(row.call_id, ())
            cases.append(_case(row, stored, judged, edition))
            lost += len(_lost(judged, stored.segments))
    if not cases:
        raise CasesUnreadable(
            f"no call of scenario {scenario.id!r} in {edition.language!r} is stored"
            + (f" that began since {since:%Y-%m-%d %H:%M}" if since else ""),
            hint="convmine calls list shows what is stored; a file of labelled calls is taken with --on FILE.jsonl",
        )
    return StoredCases(tuple(cases), lost)


async def _rows(
    store: VectorStore, tenant_id: str, scenario: Scenario, edition: Edition, since: datetime | None
) -> list[CallRow]:
    begun = {"started_ts": since.timestamp()} if since else {}
    where = both(of_tenant(tenant_id), Where(equal={"scenario": scenario.id}, at_least=begun))
    rows = [calls.row_of(hit.payload) for hit in await calls.all_pages(store, CALLS, where)]
    # A call that goes on has no length yet.
    return [
        row
        for row in rows
        if row.duration_ms is not None and scenario.edition(row.language).language == edition.language
    ]


def _case(row: CallRow, stored: StoredTranscript, labels: Sequence[Label], edition: Edition) -> Case:
    places = {segment.segment_id: segment for segment in stored.segments}
    gold: dict[ScoredField, list[Item]] = {name: [] for name in SCORED if any(one.field == name for one in labels)}
    unsure: dict[ScoredField, list[Item]] = {name: [] for name in gold}
    for judged, is_there in majority(labels).items():
        name = next((name for name in gold if name == judged[1]), None)
        if name is None or is_there is False or not _stands(judged, places):
            continue
        found = _checked(edition.taxonomy, name, judged, places, labels)
        (unsure if is_there is None else gold)[name].append(found)
    observed = row.outcome_observed
    if "outcome" not in gold and observed and edition.taxonomy.outcome(observed.name):
        gold["outcome"] = [Item(observed.name)]
    return Case(
        stored.as_event(),
        {name: tuple(dict.fromkeys(items)) for name, items in gold.items()},
        {name: tuple(dict.fromkeys(items)) for name, items in unsure.items() if items},
        summary=_summary(labels),
    )


def _stands(judged: Judged, places: Mapping[str, Segment]) -> bool:
    """Whether what was judged can still be found in the call."""
    return judged[1] in _OF_THE_CALL or judged[3] in places


def _lost(labels: Iterable[Label], segments: Iterable[Segment]) -> list[Label]:
    places = {segment.segment_id: segment for segment in segments}
    return [label for label in last_words(labels) if label.field in SCORED and not _stands(label.item, places)]


def _checked(
    taxonomy: Taxonomy, field: ScoredField, judged: Judged, places: Mapping[str, Segment], labels: Sequence[Label]
) -> Item:
    call_id, _, name, segment_id, value = judged
    place = None if field in _OF_THE_CALL else place_of(places[segment_id or ""])
    try:
        return named_item(taxonomy, field, Item(name, value=value if field == "entities" else None, place=place))
    except CasesUnreadable as error:
        by = next(label.by for label in labels if label.item == judged)
        hint = "it was labelled with another taxonomy: label the call anew, or take the label back"
        raise CasesUnreadable(f"a label of call {call_id} by {by}: {error.message}", hint=hint) from error


def _summary(labels: Sequence[Label]) -> str | None:
    """The newest that somebody wrote, or found right."""
    told = [label.value for label in labels if label.field == "summary" and label.is_true and label.value]
    return told[-1] if told else None
