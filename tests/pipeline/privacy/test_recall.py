"""How much of what people say is found, and how much of what is found had to be: by kind, of cases that are data.

Run with ``-s`` to see the figures. An item is found where exactly its characters were replaced by its own placeholder;
``hidden`` counts those of which no character is left, under whatever name and with whatever else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from pipeline.privacy.masking import masked_and_found
from schemas.transcript import Segment
from schemas.wire import Role

PLACEHOLDER = re.compile(r"\[([A-Z]+)\]")
FLOOR_RECALL = 0.97
FLOOR_PRECISION = 0.95
HELD_OUT_RECALL = 0.95
HELD_OUT_PRECISION = 0.95
CASES_A_LANGUAGE = 100

Span = tuple[int, int, int, str]
"""Segment, first character, character after the last, kind."""


@dataclass
class Tally:
    """Counts by kind."""

    wanted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)
    wrong_cases: list[str] = field(default_factory=list)

    def recall(self) -> float:
        return self.right.total() / max(1, self.wanted.total())

    def precision(self) -> float:
        return self.right.total() / max(1, self.found.total())

    def report(self) -> Iterator[str]:
        for kind in sorted({*self.wanted, *self.found}):
            wanted, found, right, hidden = (it[kind] for it in (self.wanted, self.found, self.right, self.hidden))
            yield (
                f"  {kind:7} {wanted:4} wanted  recall {right / max(1, wanted):.3f}"
                f"  precision {right / max(1, found):.3f}  hidden {hidden / max(1, wanted):.3f}"
            )
        yield (
            f"  {'all':7} {self.wanted.total():4} wanted  recall {self.recall():.3f}"
            f"  precision {self.precision():.3f}  hidden {self.hidden.total() / max(1, self.wanted.total()):.3f}"
        )


def cases(language: str, part: str) -> list[dict[str, str]]:
    text = Path(__file__).with_name(f"cases_{language}.yaml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = yaml.safe_load(text)[part]
    return found


def turns(text: str) -> list[str]:
    return [turn.strip() for turn in text.split("|")]


def conversation(text: str) -> tuple[Segment, ...]:
    return tuple(_segment(index, turn) for index, turn in enumerate(turns(text)))


def _segment(index: int, turn: str) -> Segment:
    said = re.sub(r"^A[:\uff1a]\s*", "", turn)
    is_agent = said != turn
    return Segment(
        segment_id=str(index),
        channel=0 if is_agent else 1,
        role=Role.AGENT if is_agent else Role.CUSTOMER,
        start_ms=index * 3_000,
        end_ms=index * 3_000 + 2_000,
        text=said,
    )


def wanted(case: dict[str, str]) -> list[Span]:
    """Where the placeholders of the expected text lie in what was said."""
    spans: list[Span] = []
    pairs = zip(conversation(case["said"]), conversation(case.get("masked", case["said"])), strict=True)
    for index, (before, after) in enumerate(pairs):
        parts = PLACEHOLDER.split(after.text)
        pattern = "(.+?)".join(re.escape(part) for part in parts[::2])
        match = re.fullmatch(pattern, before.text)
        assert match is not None, f"{case}: is not what was said"
        spans += [(index, *match.span(n), kind.lower()) for n, kind in enumerate(parts[1::2], 1)]
    return spans


def tally(language: str, part: str) -> Tally:
    result = Tally()
    for case in cases(language, part):
        _, found = masked_and_found(conversation(case["said"]), language)
        got = [(int(one.segment_id), one.start, one.end, one.kind) for one in found]
        want = wanted(case)
        result.wanted.update(kind for *_, kind in want)
        result.found.update(kind for *_, kind in got)
        result.right.update(kind for *_, kind in set(got) & set(want))
        result.hidden.update(kind for *place, kind in want if _is_hidden(place, got))
        if set(got) != set(want):
            masked, _ = masked_and_found(conversation(case["said"]), language)
            result.wrong_cases.append(f"{case['said']!r} became {' | '.join(it.text for it in masked)!r}")
    return result


def _is_hidden(place: list[int], found: list[Span]) -> bool:
    segment, start, end = place
    covered = {at for index, first, after, _ in found if index == segment for at in range(first, after)}
    return covered >= set(range(start, end))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_are_enough_cases_of_which_a_third_is_held_out(language: str) -> None:
    tuned, held_out = cases(language, "tuned"), cases(language, "held_out")
    assert len(tuned) + len(held_out) >= CASES_A_LANGUAGE
    assert len(held_out) * 3 >= len(tuned) + len(held_out)
    assert all(len(turns(it["said"])) == len(turns(it.get("masked", it["said"]))) for it in tuned + held_out)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("part", "recall", "precision"),
    [("tuned", FLOOR_RECALL, FLOOR_PRECISION), ("held_out", HELD_OUT_RECALL, HELD_OUT_PRECISION)],
)
def test_what_people_say_is_found_and_little_else(language: str, part: str, recall: float, precision: float) -> None:
    result = tally(language, part)
    print(f"\n{language} {part}:", *result.report(), *result.wrong_cases, sep="\n")  # noqa: T201 - figures, with -s
    assert result.recall() >= recall, result.wrong_cases
    assert result.precision() >= precision, result.wrong_cases
