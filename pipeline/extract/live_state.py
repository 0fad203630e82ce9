"""What the live lane of extract remembers of a call: its facts and its words, as lean as they can be kept."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from pipeline.extract.live_pace import Pace
from schemas.transcript import Segment
from schemas.wire import CallFacts, Role


class Turn(NamedTuple):
    """A segment without what mining has no use for; written as a list, so that no field is named 600 times a call."""

    start_ms: int
    segment_id: str
    end_ms: int
    channel: int
    role: Role
    text: str
    revision: int = 1

    def segment(self) -> Segment:
        """The segment, without the engine's confidence in it."""
        return Segment(
            segment_id=self.segment_id,
            channel=self.channel,
            role=self.role,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
            text=self.text,
        )


class LiveConversation(BaseModel):
    """A call after one of its events; every change gives a new value.

    ``turns`` are its final segments and its messages, in order of start and id, masked. ``origin`` is the time of the
    first event, where the times of messages count from while nobody has told when the call started. ``revision`` is
    that of the insight that was published last, 0 before the first. ``pace`` is what of it is still to be mined.
    """

    model_config = ConfigDict(frozen=True)

    call: CallFacts = CallFacts()
    origin: AwareDatetime | None = None
    turns: tuple[Turn, ...] = ()
    ended: bool = False
    duration_ms: int | None = None
    revision: int = 0
    pace: Pace = Pace()

    @property
    def may_be_mined(self) -> bool:
        return self.call.consent is not False

    def starting(self, at: datetime) -> Self:
        """Where nothing tells yet when the call began, it began then."""
        return self if self.origin else self.model_copy(update={"origin": at})

    @property
    def start(self) -> datetime:
        """When the call began, as far as anybody knows; asked for when something was said to be the start."""
        start = self.call.started_at or self.origin
        assert start is not None
        return start

    def told(self, facts: CallFacts, *, may_consent: bool = False) -> Self:
        """With these facts on top of the earlier ones; the words of a customer who refuses are forgotten.

        A refusal is only taken back where ``may_consent``: a segment repeats what was known when it was made.
        """
        known = facts.model_dump(exclude_none=True)
        if self.call.consent is False and not may_consent:
            known["consent"] = False
        if known.items() <= dict(self.call).items():
            return self
        told = self.model_copy(update={"call": self.call.model_copy(update=known)})
        if known.get("consent") is False:
            return told.model_copy(update={"turns": (), "pace": self.pace.forgetting()})
        return told

    def turn(self, segment_id: str) -> Turn | None:
        """The turn with this id, or None; the newest are looked at first."""
        return next((turn for turn in reversed(self.turns) if turn.segment_id == segment_id), None)

    def near(self, segment: Segment, reach_ms: int) -> list[Segment]:
        """The other segments that begin so near to this one."""
        first = bisect_left(self.turns, (segment.start_ms - reach_ms,))
        close = takewhile(lambda turn: turn.start_ms <= segment.end_ms + reach_ms, self.turns[first:])
        return [turn.segment() for turn in close if turn.segment_id != segment.segment_id]

    def heard(self, segments: Iterable[Segment], new: str, revision: int) -> Self:
        """With these segments in their places, instead of what they were before; the ``new`` one has this revision."""
        turns = list(self.turns)
        for segment in segments:
            before = self.turn(segment.segment_id)
            if before is not None:
                turns.remove(before)
            counts = revision if segment.segment_id == new else (before.revision if before else 1)
            insort(turns, _turn(segment, counts))
        return self.model_copy(update={"turns": tuple(turns)})

    def waiting(self, fresh: Iterable[Segment] = ()) -> tuple[Segment, ...]:
        """The segments that wait to be mined, in order; the ``fresh`` ones with all that came with them."""
        wanted = set(self.pace.waiting)
        came = {segment.segment_id: segment for segment in fresh}
        return tuple(came.get(turn.segment_id) or turn.segment() for turn in self.turns if turn.segment_id in wanted)

    def window(self, segments: Sequence[Segment], context: int) -> tuple[Segment, ...]:
        """These segments, and before each of them so many; of all those that have words, each once and in order."""
        shown: set[int] = set()
        for segment in segments:
            place = bisect_left(self.turns, (segment.start_ms, segment.segment_id))
            before = (at for at in range(place - 1, -1, -1) if self.turns[at].text.strip())
            shown |= {place, *islice(before, context)}
        return tuple(self.turns[at].segment() for at in sorted(shown) if self.turns[at].text.strip())

    def segments(self) -> Iterator[Segment]:
        """All of them, in order."""
        return (turn.segment() for turn in self.turns)


def _turn(segment: Segment, revision: int) -> Turn:
    return Turn(
        start_ms=segment.start_ms,
        segment_id=segment.segment_id,
        end_ms=segment.end_ms,
        channel=segment.channel,
        role=segment.role,
        text=segment.text,
        revision=revision,
    )
