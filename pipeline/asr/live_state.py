"""What the live lane of asr remembers of a call: small, and enough to go on from with the chunks that are held."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.audio import RawFormat
from schemas.transcript import Segment
from schemas.wire import CallFacts


class Mark(BaseModel):
    """A place in a call's audio: so many frames into the chunk of this sequence; ``ms`` is its time in the call."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    frames: int = 0
    ms: int


class ChannelCut(BaseModel):
    """A cut of a channel: the words before it are out; ``noise_db`` is how loud the line is without words.

    ``out_ms``: of the words after it those that began before this time are out as well. They are heard again because
    they may be the beginning of a number.
    """

    model_config = ConfigDict(frozen=True)

    mark: Mark
    noise_db: float | None = None
    out_ms: int | None = None


class LiveCall(BaseModel):
    """A live call after its event ``at`` this offset.

    ``cuts`` has one entry a channel. ``may_jump``: the call is or was on hold, so that the next chunk may begin later
    than the last one ended without anything being missing. ``recent`` are the last segments, masked and without the
    times of words, which decide with the next one what is a personal number. ``spoken_ms`` is how much was said in each
    language that the engine heard.

    ``heard_to`` is where the audio ends that was heard, and ``late`` are the offsets of chunks that were dropped since
    the oldest one held: of those that come again after a kill just the same are heard, in the same order, and the same
    still wait. States of older versions have no ``heard_to``; their chunks are taken as new ones.
    """

    model_config = ConfigDict(frozen=True)

    at: int = -1
    facts: CallFacts = CallFacts()
    raw: RawFormat | None = None
    byte_order: Literal["BIG", "LITTLE"] | None = None
    cuts: tuple[ChannelCut, ...] = ()
    heard_to: Mark | None = None
    late: tuple[int, ...] = ()
    may_jump: bool = False
    recent: tuple[Segment, ...] = ()
    spoken_ms: dict[str, int] = {}
    segments: int = 0
    ended: bool = False
