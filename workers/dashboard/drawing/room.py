"""``GET /v1/flow/{scenario}/drawing``: the flow of a scenario and where all of it stands, so that pages need no layout.

All edges are laid out at once, noise too: a page then hides and shows, and nothing moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pipeline.access.principal import READERS
from pipeline.flow.drawing import picture
from pipeline.flow.drawing_places import curve, head, placed, shortened, thickness_of
from pipeline.flow.graph import END, START
from pipeline.flow.mining import MinedEdge, MinedFlow
from pipeline.questions.flows import ScenarioFlow
from pipeline.questions.question import Flow
from workers.gateway.door import SCOPES
from workers.gateway.pages import AnswersTo
from workers.gateway.parameters import asked, parameters_of, sign
from workers.gateway.replies import answer_reply

MOST_EDGES: Final = 1_200
"""Edges that are laid out, kept ones first, then those that were taken most; more cannot be told apart."""
_REMEMBERED: Final = 8
"""Drawings that are kept: the layout of 300 steps and 900 edges takes 0.3 s of a core, and people switch to and fro."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A step: its middle and size in pixels, and its label in lines."""

    label: str
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class DrawnArrow:
    """An edge between two steps; ``line`` and ``head`` are paths of SVG, the figure stands at ``x`` and ``y``."""

    source: str
    target: str
    line: str
    head: str
    thickness: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FlowDrawing:
    """The flow, and its drawing; boxes and arrows are there for the edges of the flow, which are at most 1,200.

    ``left_out`` is how many edges beyond those there are.
    """

    flow: ScenarioFlow
    boxes: tuple[DrawnBox, ...] = ()
    arrows: tuple[DrawnArrow, ...] = ()
    width: float = 0.0
    height: float = 0.0
    left_out: int = 0


def add_drawing(router: APIRouter, answers_to: AnswersTo) -> None:
    """The page that says where everything of a flow stands."""
    in_query = parameters_of(Flow, frozenset({"scenario"}))

    async def drawing(request: Request, *, query: BaseModel, scenario: str) -> Response:
        given = {name: getattr(query, name) for name in query.model_fields_set}
        flow = await answers_to(request).answer(asked(Flow, {**given, "scenario": scenario}))
        return answer_reply(request, await asyncio.to_thread(drawn, flow), FlowDrawing)

    sign(drawing, query=Annotated[in_query, Query()], scenario=Annotated[str, Path()])
    endpoint: Callable[..., Awaitable[Response]] = drawing
    router.add_api_route(
        "/v1/flow/{scenario:path}/drawing",
        endpoint,
        methods=["GET"],
        summary="How the calls of a scenario go, and where the steps stand in a drawing",
        tags=["dashboard"],
        operation_id="draw_flow",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": FlowDrawing}},
        openapi_extra={SCOPES: sorted(READERS)},
    )


@lru_cache(maxsize=_REMEMBERED)
def drawn(flow: ScenarioFlow) -> FlowDrawing:
    """The drawing of a flow, which takes some tenths of a second where there are hundreds of steps."""
    if not flow.steps:
        return FlowDrawing(flow)
    edges = sorted(flow.edges, key=_first)[:MOST_EDGES]
    shown = replace(flow, edges=tuple(edges))
    whole = picture(MinedFlow(flow.read, flow.closing, flow.steps, shown.edges), flow.scenario, everything=True)
    places = placed(whole)
    most = max((arrow.count for arrow in places.arrows), default=1)
    arrows = []
    reached = {START, END}.union(*((edge.source, edge.target) for edge in edges))
    names = [step.label for step in flow.steps if step.label in reached]  # as the picture has its boxes
    for arrow, way in zip(places.arrows, places.ways, strict=True):
        thickness = thickness_of(arrow, most)
        *before, tip = way
        line, point = curve([*before, shortened(before[-1], tip)]), head(before[-1], tip, thickness)
        x, y = (way[0][0] + way[1][0]) / 2, (way[0][1] + way[1][1]) / 2
        arrows.append(DrawnArrow(names[arrow.source], names[arrow.target], line, point, round(thickness, 1), x, y))
    boxes = zip(names, places.boxes, places.middles, strict=True)
    return FlowDrawing(
        shown,
        tuple(DrawnBox(name, box.lines, x, y, box.width, box.height) for name, box, (x, y) in boxes),
        tuple(arrows),
        places.width,
        places.height,
        len(flow.edges) - len(edges),
    )


def _first(edge: MinedEdge) -> tuple[bool, int]:
    return not edge.kept, -edge.count
