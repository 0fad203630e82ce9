"""What the scores of many recordings say together: by engine, role, channel, length and language, and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.evaluate.asr_run import Scored
from pipeline.evaluate.bootstrap import interval
from pipeline.evaluate.wer import Errors, is_chinese, total
from schemas.transcript import Hearing

_LENGTHS_S: Final = (
    (10.0, "under 10 s"),
    (30.0, "10 to 30 s"),
    (120.0, "30 to 120 s"),
    (float("inf"), "over 120 s"),
)


@dataclass(frozen=True, slots=True)
class Sureness:
    """How confidence intervals are made: by so many draws of calls, from this seed."""

    rounds: int = 1_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Channels that have something in common, such as the role ``agent``, and how well they were heard together.

    An interval is None of a single call.
    """

    kind: str
    name: str
    channels: int
    calls: int
    errors: Errors
    wer_interval: tuple[float, float] | None
    cer_interval: tuple[float, float] | None


def groups(rows: Sequence[Scored], how: Sureness) -> list[Group]:
    """All rows, then each kind of group that parts them, in the order of its first row by length."""
    found: dict[tuple[str, str], list[Scored]] = {}
    for row in sorted(rows, key=lambda row: row.seconds):
        for kind_and_name in _kinds(row):
            found.setdefault(kind_and_name, []).append(row)
    order = list(dict.fromkeys(kind for kind, _ in found))
    made = [_group(kind, name, members, how) for (kind, name), members in found.items()]
    return sorted(made, key=lambda group: order.index(group.kind))


def together(rows: Sequence[Scored], how: Sureness) -> Group:
    """The group of all rows."""
    return _group("all", "all", rows, how)


def mean_wer(rows: Sequence[Scored]) -> float:
    """The mean of the calls' word error rates: a short call weighs as much as a long one."""
    calls = [total(row.errors for row in members).wer for members in _by_call(rows).values()]
    return sum(calls) / len(calls)


def hearing(rows: Sequence[Scored]) -> Hearing:
    """What became of all the audio, in ms over all channels."""
    each = [row.hearing for row in rows]
    reasons = {reason for one in each for reason in one.cuts}
    return Hearing(
        heard_ms=sum(one.heard_ms for one in each),
        spoken_ms=sum(one.spoken_ms for one in each),
        cut_ms=sum(one.cut_ms for one in each),
        masked_ms=sum(one.masked_ms for one in each),
        cuts={reason: sum(one.cuts.get(reason, 0) for one in each) for reason in sorted(reasons)},
    )


def length_of(row: Scored) -> str:
    """The group of lengths that a recording belongs to."""
    return next(name for limit, name in _LENGTHS_S if row.seconds < limit)


def _kinds(row: Scored) -> Iterator[tuple[str, str]]:
    reference = row.reference
    yield "role", str(reference.role)
    yield "channel", str(reference.channel)
    yield "length", length_of(row)
    yield "language", reference.language or ("zh" if is_chinese(reference.text) else "not said")
    yield "held out", "held out" if reference.held_out else "not held out"


def _group(kind: str, name: str, rows: Sequence[Scored], how: Sureness) -> Group:
    calls = [total(row.errors for row in members) for members in _by_call(rows).values()]

    def sure(edits: list[int], lengths: list[int]) -> tuple[float, float] | None:
        return interval(edits, lengths, rounds=how.rounds, seed=how.seed)

    return Group(
        kind=kind,
        name=name,
        channels=len(rows),
        calls=len(calls),
        errors=total(calls),
        wer_interval=sure([one.of_words.count for one in calls], [one.words for one in calls]),
        cer_interval=sure([one.of_characters.count for one in calls], [one.characters for one in calls]),
    )


def _by_call(rows: Sequence[Scored]) -> dict[tuple[Path, str], list[Scored]]:
    """Both sides of a call, which may be a file each, stand together: what made one hard made the other hard."""
    found: dict[tuple[Path, str], list[Scored]] = {}
    for row in rows:
        found.setdefault((row.reference.audio.parent, row.reference.call_id), []).append(row)
    return dict(sorted(found.items()))
