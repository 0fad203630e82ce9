"""From what fits to the suggestions that are published; the same for a whole call and for one that goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

from pipeline.errors import Poison
from pipeline.handling import Inbound, Outbound, follow
from pipeline.knowledge.finding import find_passages
from pipeline.ports import Meter, VectorStore
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Scenario, Scenarios
from pipeline.stages import SUGGESTIONS
from pipeline.suggest.asking import Asked
from pipeline.suggest.excerpt import excerpt
from pipeline.suggest.known import Known
from pipeline.suggest.policy import expires
from pipeline.suggest.ranking import Ranking
from pipeline.suggest.reason import asked as reason_of_question
from pipeline.suggest.reason import reason
from pipeline.suggest.text import fill, values_at
from pipeline.suggest.track_record import TrackRecords
from pipeline.suggest.triggers import Firing, fire
from schemas.flow import FlowState
from schemas.insight import Evidence
from schemas.suggestion import Passage, SuggestionCreated, SuggestionKind
from schemas.wire import Lane

STAGE: Final = "suggest"
BACKING: Final = 0.2
"""Relevance from which a passage backs a card. A card says much in few words, so that a passage about the same covers
less of it than an answer does of a question: in the shipped playbooks 0.25 to 0.9, of others mostly below 0.2.
"""
KNOWLEDGE_PRIORITY: Final = 50
"""Of a passage that answers a question: the middle. It comes where no card fits, and is never urgent."""
KNOWLEDGE_LIVES_S: Final = 60
"""Seconds for which an answer is good: the longest of the shipped cards."""
_LONGEST_ANSWER: Final = 400
"""Characters of a passage that are read while somebody waits for an answer."""
_LOOKED_AT: Final = 4
"""Passages that may have been shown before, until one is found that was not."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What may be suggested: a card with its slots filled, or a passage that answers what the customer asked.

    ``key`` is the id under which it is shown once a call. ``phrased_by`` is the model that worded ``text``, where one
    did, and ``explored`` says that it was chosen to learn how it does.
    """

    key: str
    kind: SuggestionKind
    title: str
    text: str
    reason: str
    priority: int
    approved_by: str
    at_ms: int
    lives_s: int | None
    evidence: tuple[Evidence, ...]
    passages: tuple[Passage, ...] = ()
    firing: Firing | None = None
    phrased_by: str | None = None
    explored: bool = False


@dataclass(frozen=True, slots=True)
class Advisor:
    """The playbook of one call, how its cards have done, and the knowledge base."""

    scenario: Scenario
    edition: Edition
    store: VectorStore
    tenant_id: str
    records: TrackRecords

    def fitting(self, inbound: Inbound, known: Known) -> Iterator[Advice]:
        """The cards that fit, in the playbook's order; one of which nothing can be said is none."""
        on = inbound.message.envelope.time.astimezone(UTC).date()
        for card in self.edition.playbook.cards:
            if (firing := fire(card, known, on)) is None:
                continue
            if (text := fill(card.text, values_at(known.entities, firing.until_ms))) is None:
                continue
            yield Advice(
                key=card.id,
                kind=SuggestionKind.CARD,
                title=card.title,
                text=text,
                reason=reason(firing, self.edition),
                priority=card.priority,
                approved_by=card.approved_by,
                at_ms=firing.at_ms,
                lives_s=card.expires_after_s if known.lane is Lane.LIVE else None,
                evidence=firing.evidence,
                firing=firing,
            )

    def ranking(self) -> Ranking:
        """How the cards of this playbook have done beside each other."""
        return Ranking.of(
            {
                card.id: self.records(self.tenant_id, self.scenario.id, self.edition.language, card.id)
                for card in self.edition.playbook.cards
            }
        )

    async def backed(self, advice: Advice) -> Advice:
        """A card with the passages that are about the same; a passage as it is. Raises what the store raises."""
        if advice.kind is not SuggestionKind.CARD:
            return advice
        found = await find_passages(
            self.store,
            f"{advice.title}\n{advice.text}",
            tenant_id=self.tenant_id,
            scenario=self.scenario.id,
            language=self.edition.language,
            least=BACKING,
        )
        return replace(advice, passages=tuple(one.passage for one in found))

    async def answer(self, asked: Asked, shown: Collection[str], meter: Meter) -> Advice | None:
        """The passage that answers a question best; None where none does that was not shown before (``shown``: ids).

        Raises what the store raises.
        """
        found = await find_passages(
            self.store,
            asked.text,
            tenant_id=self.tenant_id,
            scenario=self.scenario.id,
            language=self.edition.language,
            most=_LOOKED_AT,
            meter=meter,
        )
        best = next((one for one in found if one.passage.passage_id not in shown), None)
        if best is None or not best.passage.text.strip() or not best.approved_by.strip():
            return None
        return Advice(
            key=f"kb:{best.passage.passage_id}",
            kind=SuggestionKind.KNOWLEDGE,
            title=best.passage.title,
            text=excerpt(best.passage.text, asked.text, _LONGEST_ANSWER),
            reason=reason_of_question(asked.text, self.edition),
            priority=KNOWLEDGE_PRIORITY,
            approved_by=best.approved_by,
            at_ms=asked.evidence.start_ms,
            lives_s=KNOWLEDGE_LIVES_S,
            evidence=(asked.evidence,),
            passages=(best.passage,),
        )

    def created(self, inbound: Inbound, state: FlowState, advice: Advice, suggestion_id: str) -> Outbound:
        """The suggestion as it is published."""
        created_at = inbound.message.envelope.time
        suggestion = SuggestionCreated(
            call_id=state.call_id,
            suggestion_id=suggestion_id,
            call=state.call,
            revision=state.revision,
            lane=state.lane,
            card_id=advice.key,
            title=advice.title,
            text=advice.text,
            reason=advice.reason,
            priority=advice.priority,
            approved_by=advice.approved_by,
            at_ms=advice.at_ms,
            created_at=created_at,
            expires_at=expires(advice.lives_s, created_at),
            evidence=advice.evidence,
            passages=advice.passages,
            kind=advice.kind,
            phrased_by=advice.phrased_by,
            explored=advice.explored,
            scenario=self.scenario.id,
            language=self.edition.language,
        )
        return follow(inbound, suggestion, stage=STAGE, topic=SUGGESTIONS, part=advice.key)


def advisor(  # noqa: PLR0913 - one argument a source
    scenarios: Scenarios, store: VectorStore, records: TrackRecords, inbound: Inbound, *, scenario: str, language: str
) -> Advisor:
    """Who advises on this call.

    Raises:
        Poison: there is no scenario of this name.
    """
    try:
        found = scenarios(scenario, inbound.tenant_id)
    except ScenarioError as error:
        raise Poison(f"no suggestions for call {inbound.message.envelope.subject}: {error}") from error
    return Advisor(found, found.edition(language), store, inbound.tenant_id, records)
