"""The flow stage of the live lane: each piece of a call moves it on along its path; its end gives the whole path."""

from __future__ import annotations

from bisect import insort

from pydantic import BaseModel, ConfigDict

from pipeline.flow.guidance import Guide
from pipeline.flow.path import Place, path_along, place_of
from pipeline.flow.stage import STAGE, of_whole
from pipeline.handling import Handled, Inbound, Remembering, follow
from pipeline.stages import flow
from schemas.flow import FlowState, Guidance, Step
from schemas.insight import CallInsight, IntentExtracted
from schemas.wire import Lane


class LiveFlow(BaseModel):
    """What the stage remembers of a call: where its intents stand, in order; nothing once the call is whole."""

    model_config = ConfigDict(frozen=True)

    places: tuple[Place, ...] = ()
    whole: bool = False


def build(guide: Guide | None = None) -> Remembering[LiveFlow]:
    """The handler of ``intent.extracted`` and ``call.insight``; what else travels on the topic is passed over.

    Each state of a call that goes on says what ``guide`` knows of calls that had come the same way.

    What was found in a segment replaces what was found in it before. An ``intent.extracted`` that comes after the
    call's insight (a dead letter that was replayed) adds nothing: the insight is of all words.
    """
    return _LiveFlow(guide)


class _LiveFlow:
    remembers: type[LiveFlow] = LiveFlow

    def __init__(self, guide: Guide | None) -> None:
        self._guide = guide

    async def __call__(self, inbound: Inbound, state: LiveFlow | None) -> Handled[LiveFlow]:
        found, before = inbound.payload, state or LiveFlow()
        if isinstance(found, CallInsight):
            return Handled(of_whole(inbound, found), LiveFlow(whole=True))
        if not isinstance(found, IntentExtracted) or before.whole:
            return Handled()
        places = _moved_on(before.places, found)
        path = path_along(places)
        output = FlowState(
            call_id=found.call_id,
            call=found.call,
            revision=found.revision,
            lane=Lane.LIVE,
            path=path,
            heard=found,
            guidance=self._guidance(inbound, found, path),
        )
        return Handled((follow(inbound, output, stage=STAGE, topic=flow(Lane.LIVE)),), LiveFlow(places=places))

    def _guidance(self, inbound: Inbound, found: IntentExtracted, path: tuple[Step, ...]) -> Guidance | None:
        if self._guide is None:
            return None
        labels = [step.label for step in path]
        return self._guide(inbound.tenant_id, found.provenance.scenario, labels, inbound.message.envelope.time)


def _moved_on(places: tuple[Place, ...], found: IntentExtracted) -> tuple[Place, ...]:
    heard = {segment.segment_id for segment in found.segments}
    kept = [place for place in places if place.segment_id not in heard]
    for intent in found.intents:
        insort(kept, place_of(intent))
    return tuple(kept)
