"""Short conversations for the tests of this room."""

from __future__ import annotations

from pipeline.extract.findings import Conversation
from pipeline.scenarios.load import shipped
from schemas.transcript import Segment
from schemas.wire import Role

LETTERS = {"a": Role.AGENT, "c": Role.CUSTOMER, "s": Role.SUPERVISOR, "?": Role.UNKNOWN}


def talk(*lines: str) -> tuple[Segment, ...]:
    """Segments of five seconds each; a line begins with a letter for who speaks: ``c: i want to cancel``."""
    return tuple(
        Segment(
            segment_id=f"seg{number}",
            role=LETTERS[line[0]],
            start_ms=number * 5_000,
            end_ms=number * 5_000 + 4_000,
            text=line[2:].strip(),
        )
        for number, line in enumerate(lines)
    )


def conversation(*lines: str, language: str = "en") -> Conversation:
    """A conversation of the shipped scenario."""
    scenario = shipped("telecom")
    return Conversation(talk(*lines), len(lines) * 5_000, scenario, scenario.edition(language))
