"""How a talk went, without a model: who spoke how long and how fast, who cut in, and where nobody said anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median_low
from typing import Final

from pipeline.extract.words import is_han, letters
from pipeline.intervals import Stretch, joined
from schemas.insight import Medium, SideTalk, SpeechUnit, TalkFigures
from schemas.transcript import Segment
from schemas.wire import Role

DEAD_AIR_MS: Final = 3_000
"""A pause from which on people ask whether somebody is still there; talk longer apart is two stretches."""
CUT_IN_MS: Final = 500
"""Speaking at once for longer than this is cutting in; shorter is a "mm-hm", and two people who start together."""

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class _Turn:
    """Segments in a row of one side."""

    role: Role
    start_ms: int
    end_ms: int


def talk_figures(segments: Sequence[Segment]) -> TalkFigures | None:
    """The figures of a conversation, None of one without words.

    Where no segment takes any time they are written messages, and what is counted is what messages have: how many, how
    long, how soon answered. Sides are told apart by role, so that two speakers of one role are one side; music on hold
    is dead air.

    Args:
        segments: in any order, each with words.
    """
    if not segments:
        return None
    ordered = sorted(segments, key=lambda one: (one.start_ms, one.end_ms))
    counted = {segment.segment_id: letters(segment.text) for segment in ordered}
    by_letter = sum(is_han(word.text) for words in counted.values() for word in words)
    unit = SpeechUnit.CHARACTERS if by_letter * 2 > sum(map(len, counted.values())) else SpeechUnit.WORDS
    units = {
        role: sum(len(counted[one.segment_id]) for one in ordered if one.role is role)
        for role in dict.fromkeys(segment.role for segment in ordered)
    }
    if all(segment.start_ms == segment.end_ms for segment in ordered):
        return TalkFigures(medium=Medium.TEXT, unit=unit, sides=tuple(_written(ordered, units)))
    return _spoken(ordered, units, unit)


def _written(ordered: Sequence[Segment], units: Mapping[Role, int]) -> Iterable[SideTalk]:
    """Each side of a chat; a message is answered by the next one of another side."""
    turns = _turns(ordered)
    total = sum(units.values())
    for role, count in units.items():
        waits = [after.start_ms - before.end_ms for before, after in pairwise(turns) if after.role is role]
        yield SideTalk(
            role=role,
            turns=sum(turn.role is role for turn in turns),
            units=count,
            share=count / total if total else 1 / len(units),
            response_ms=median_low(waits) if waits else None,
            longest_response_ms=max(waits, default=None),
        )


def _spoken(ordered: Sequence[Segment], units: Mapping[Role, int], unit: SpeechUnit) -> TalkFigures:
    stretches = {
        role: joined((one.start_ms, one.end_ms) for one in ordered if one.role is role and one.end_ms > one.start_ms)
        for role in units
    }
    spoken = {role: _length(found) for role, found in stretches.items()}
    everybody = joined(stretch for found in stretches.values() for stretch in found)
    pauses = [after[0] - before[1] for before, after in pairwise(everybody)]
    turns = _turns(ordered)
    return TalkFigures(
        medium=Medium.SPEECH,
        unit=unit,
        sides=tuple(
            SideTalk(
                role=role,
                turns=sum(turn.role is role for turn in turns),
                units=count,
                share=spoken[role] / sum(spoken.values()),
                spoken_ms=spoken[role],
                longest_ms=_longest(ordered, role),
                units_per_minute=round(count * _MINUTE_MS / spoken[role], 1) if spoken[role] else None,
                interruptions=_interruptions(ordered, role),
            )
            for role, count in units.items()
        ),
        overlap_ms=sum(spoken.values()) - _length(everybody),
        dead_air_ms=sum(pause for pause in pauses if pause >= DEAD_AIR_MS),
        longest_pause_ms=max(pauses, default=0),
    )


def _turns(ordered: Sequence[Segment]) -> list[_Turn]:
    runs = (list(run) for _, run in groupby(ordered, key=lambda one: one.role))
    return [_Turn(run[0].role, run[0].start_ms, max(one.end_ms for one in run)) for run in runs]


def _longest(ordered: Sequence[Segment], role: Role) -> int:
    """The longest stretch of a side: no pause that is felt in it, and of others no more than a "mm-hm"."""
    heard = [one for one in ordered if one.role is role or one.end_ms - one.start_ms > CUT_IN_MS]
    runs = (list(run) for speaker, run in groupby(heard, key=lambda one: one.role) if speaker is role)
    lengths = (
        end - start for run in runs for start, end in joined(((s.start_ms, s.end_ms) for s in run), gap=DEAD_AIR_MS)
    )
    return max(lengths, default=0)


def _interruptions(ordered: Sequence[Segment], role: Role) -> int:
    """How many segments of this side began while one of another side went on, and both went on for a while."""
    count = 0
    others: list[Segment] = []  # those that may still go on
    for one in ordered:
        if one.role is not role:
            others.append(one)
            continue
        others = [other for other in others if other.end_ms > one.start_ms]
        count += any(
            other.start_ms < one.start_ms and min(other.end_ms, one.end_ms) - one.start_ms > CUT_IN_MS
            for other in others
        )
    return count


def _length(stretches: Iterable[Stretch]) -> int:
    return sum(end - start for start, end in stretches)
