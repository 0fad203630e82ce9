"""The flow stage: an insight becomes the state of its call and, since an insight is of a whole call, its path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.flow.path import flow_path, path_of
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.stages import PATHS, flow
from schemas.flow import FlowState
from schemas.insight import CallInsight

STAGE: Final = "flow"


def build() -> Handler:
    """The handler of ``call.insight``; what else travels on the topic is passed over."""
    return _handle


def of_whole(inbound: Inbound, insight: CallInsight) -> tuple[Outbound, Outbound]:
    """The state and the path of a call that is over."""
    steps = path_of(insight.intents)
    state = FlowState(
        call_id=insight.call_id,
        call=insight.call,
        revision=insight.revision,
        lane=insight.lane,
        path=steps,
        insight=insight,
    )
    return (
        follow(inbound, state, stage=STAGE, topic=flow(insight.lane)),
        follow(inbound, flow_path(insight, steps), stage=STAGE, topic=PATHS),
    )


async def _handle(inbound: Inbound) -> Sequence[Outbound]:
    insight = inbound.payload
    return of_whole(inbound, insight) if isinstance(insight, CallInsight) else ()
