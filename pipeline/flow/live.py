"""The flow stage of the live lane: each piece of a call moves it on along its path; its end gives the whole path."""

from __future__ import annotations

from bisect import insort

from pydantic import BaseModel, ConfigDict

from pipeline.flow.path import Place, path_along, place_of
from pipeline.flow.stage import STAGE, of_whole
from pipeline.handling import Handled, Inbound, Remembering, follow
from pipeline.stages import flow
from schemas.flow import FlowState
from schemas.insight import CallInsight, IntentExtracted
from schemas.wire import Lane


class LiveFlow(BaseModel):
    """What the stage remembers of a call: where its intents stand, in order; nothing once the call is whole."""

    model_config = ConfigDict(frozen=True)

    places: tuple[Place, ...] = ()
    whole: bool = False


def build() -> Remembering[LiveFlow]:
    """The handler of ``intent.extracted`` and ``call.insight``; what else travels on the topic is passed over.

    What was found in a segment replaces what was found in it before. An ``intent.extracted`` that comes after the
    call's insight (a dead letter that was replayed) adds nothing: the insight is of all words.
    """
    return _LiveFlow()


class _LiveFlow:
    remembers: type[LiveFlow] = LiveFlow

    async def __call__(self, inbound: Inbound, state: LiveFlow | None) -> Handled[LiveFlow]:
        found, before = inbound.payload, state or LiveFlow()
        if isinstance(found, CallInsight):
            return Handled(of_whole(inbound, found), LiveFlow(whole=True))
        if not isinstance(found, IntentExtracted) or before.whole:
            return Handled()
        places = _moved_on(before.places, found)
        output = FlowState(
            call_id=found.call_id,
            call=found.call,
            revision=found.revision,
            lane=Lane.LIVE,
            path=path_along(places),
            heard=found,
        )
        return Handled((follow(inbound, output, stage=STAGE, topic=flow(Lane.LIVE)),), LiveFlow(places=places))


def _moved_on(places: tuple[Place, ...], found: IntentExtracted) -> tuple[Place, ...]:
    heard = {segment.segment_id for segment in found.segments}
    kept = [place for place in places if place.segment_id not in heard]
    for intent in found.intents:
        insort(kept, place_of(intent))
    return tuple(kept)
