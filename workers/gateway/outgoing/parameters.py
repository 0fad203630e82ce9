"""What a stream is asked for, and what of that a key may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.access.principal import Principal
from schemas.wire import Lane
from workers.gateway.outgoing.events import EVERY, USUAL, Of, Wanted

_LISTED: Final = ", ".join(EVERY)


class Sought(BaseModel):
    """The query of a stream."""

    model_config = ConfigDict(extra="forbid")

    agent: Annotated[str | None, Field(max_length=200, description="Calls of this agent alone")] = None
    of: Annotated[str, Field(max_length=200, description=f"What to stream, parted by commas: {_LISTED}")] = ",".join(
        USUAL
    )
    lane: Annotated[Lane | None, Field(description="Advice of live calls alone, or of recorded ones")] = None
    from_: Annotated[
        Literal["start"] | None,
        Field(alias="from", description="Begin with what is still kept of earlier events; a Last-Event-ID goes first"),
    ] = None
    last_event_id: Annotated[
        str | None, Field(max_length=20_000, description="As the header Last-Event-ID, which goes first")
    ] = None
    ticket: Annotated[str | None, Field(max_length=4_000, description="Of POST /v1/tickets, in place of a key")] = None

    @field_validator("of")
    @classmethod
    def _are_known(cls, of: str) -> str:
        if unknown := {name for name in of.split(",") if name not in EVERY}:
            raise ValueError(f"{min(unknown)!r} is none of {_LISTED}")
        return of

    @property
    def kinds(self) -> frozenset[Of]:
        """What to stream."""
        return frozenset(name for name in EVERY if name in self.of.split(","))


class SoughtAnywhere(Sought):
    """The query of a stream that is not of one call by its path."""

    call: Annotated[str | None, Field(min_length=1, max_length=200, description="This call alone")] = None


def sought_of(query: Mapping[str, str]) -> SoughtAnywhere:
    """The query of a socket, which FastAPI does not read.

    Raises:
        RequestValidationError: it is not valid.
    """
    try:
        return SoughtAnywhere.model_validate(dict(query))
    except ValidationError as error:
        found = [{**one, "loc": ("query", *one["loc"])} for one in error.errors(include_url=False, include_input=False)]
        raise RequestValidationError(found) from None


def wanted_of(principal: Principal, sought: Sought, call_id: str | None) -> Wanted:
    """What a key may see of what it asks for: an agent, the calls of that agent.

    Raises:
        HTTPException: 403, for calls of another agent.
    """
    asker = principal.asker
    if asker is None or (asker.agent is not None and sought.agent not in {None, asker.agent}):
        raise HTTPException(403, "this key may not see the calls of that agent")
    return Wanted(principal.tenant_id, sought.kinds, call_id, asker.agent or sought.agent, sought.lane)
