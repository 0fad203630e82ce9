"""Answers to changes that are not made: wrong fields, and what somebody else has changed meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Response

from pipeline.release.card_succession import unapproved
from workers.changing.difference import difference
from workers.gateway.problems import MEDIA_TYPE, WrongValue, problem
from workers.gateway.replies import problem_reply

_FIELD: Final = re.compile(
    r"(?:^|[ .])(title|text|trigger(?:\.[a-z_]+)?|lanes|priority|valid_from|valid_to|expires_after_s|id)"
    r"(?:\.\d+)?(?:: | (?=lies))(.*)$"
)
_CARD: Final = re.compile(r"^card [^ :]+: ")


@dataclass(frozen=True, slots=True)
class Conflict:
    """What both have changed: the field, as it was, as the other one has it, and as you have it."""

    field: str
    base: Any
    theirs: Any
    yours: Any


def wrong_fields(complaints: Sequence[str]) -> Response:
    """422, with what is wrong at each field of a card."""
    errors = tuple(_wrong(one) for one in complaints)
    return problem_reply(problem(422, errors[0].detail, errors=errors))


def _wrong(complaint: str) -> WrongValue:
    told = _CARD.sub("", complaint)
    if (found := _FIELD.search(told)) is None:
        return WrongValue(detail=told, pointer="/content")
    return WrongValue(detail=found[2], pointer=f"/content/{found[1].replace('.', '/')}")


def conflict(
    detail: str,
    *,
    version: int,
    by: str | None,
    contents: tuple[Mapping[str, Any] | None, Mapping[str, Any], Mapping[str, Any]],
) -> Response:
    """409, with the difference; ``contents`` are the base, theirs and yours."""
    base, theirs, yours = (unapproved(one or {}) for one in contents)
    names = dict.fromkeys((*theirs, *yours))
    fields = [
        Conflict(name, base.get(name), theirs.get(name), yours.get(name))
        for name in names
        if theirs.get(name) != yours.get(name)
    ]
    said = problem(409, detail, hint="look at the difference, take over what you want, and save again")
    more = {
        "version": version,
        "by": by,
        "base": base or None,
        "theirs": theirs,
        "yours": yours,
        "fields": [{"field": one.field, "base": one.base, "theirs": one.theirs, "yours": one.yours} for one in fields],
        "lines": difference(theirs, yours, ("theirs", "yours")),
    }
    body = json.dumps({**said.model_dump(exclude_none=True), "title": "Somebody else has changed it", **more})
    return Response(body, 409, {"Cache-Control": "no-store"}, MEDIA_TYPE)
