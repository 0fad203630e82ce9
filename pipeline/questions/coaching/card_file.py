"""Proposed cards as the text of a file that a person checks, approves and pastes into a playbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.moments import clock
from pipeline.questions.coaching.proposals import ProposedCard
from pipeline.questions.differences.contrasts import Share


def card_file(cards: Sequence[ProposedCard], *, outcomes: str, drawn_from: str) -> str:
    """YAML with each card's evidence as comments above it; ``approved_by`` is left for a person to fill in.

    Args:
        cards: at least one, all of one scenario and language.
        outcomes: who said how the calls ended.
        drawn_from: the calls that were looked at, in words.
    """
    of = cards[0]
    lines = [
        f"Proposed from {drawn_from}; how calls ended is {outcomes}.",
        "What goes together with calls won is no proof of what won them: a person decides.",
        "Check each card, put it into your own words, say in `approved_by` who approves it, and paste it below",
        f"`cards:` of {of.scenario}/{of.language}/playbook.yaml. Then: convmine scenario validate {of.scenario}",
    ]
    return "\n".join([*_comments(lines, ""), "cards:", *(line for card in cards for line in _lines(card))]) + "\n"


def _lines(proposed: ProposedCard) -> Iterator[str]:
    import yaml

    evidence = proposed.evidence
    apart = evidence.difference
    assert apart is not None
    said = [
        f"After an objection on {proposed.topic}: in {_share(evidence.a)} calls won, {_share(evidence.b)} calls lost;",
        f"{_points(apart.points)} points ({_points(apart.low)} to {_points(apart.high)}).",
        *(f"{one.call_id} at {clock(one.start_ms)}: {one.text}" for one in proposed.quotes),
    ]
    yield ""
    yield from _comments(said, "  ")
    for line in yaml.safe_dump([dict(proposed.card)], allow_unicode=True, sort_keys=False, width=110).splitlines():
        yield f"  {line}"
    yield "    # approved_by: (who approves it)"


def _comments(lines: Sequence[str], indent: str) -> Iterator[str]:
    """Words of a call stay on the line of their comment."""
    for line in lines:
        shown = "".join(mark if mark.isprintable() else " " for mark in line)
        yield f"{indent}# {shown}"


def _share(share: Share) -> str:
    return f"{share.calls} of {share.of}"


def _points(share: float) -> str:
    return f"{share * 100:+.0f}"
