"""Prompts as the page shows them: their versions, and which of them runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.errors import ConvmineError
from pipeline.release.standing import Standing, standing_of
from pipeline.scenarios.model import Scenario
from pipeline.scenarios.prompt import PromptError, parse_prompt
from workers.published import Published


@dataclass(frozen=True, slots=True)
class PromptVersionRow:
    """A version; ``at``, ``by`` and ``reason`` where it was published, ``ran`` where it did before."""

    label: str
    version: int
    digest: str
    parameters: tuple[str, ...]
    runs: bool
    ran: bool
    rolled_back: bool
    by: str | None
    at: str | None
    reason: str | None
    text: str


@dataclass(frozen=True, slots=True)
class PromptRow:
    """A prompt; a ``challenger`` runs for a share of the calls."""

    prompt: str
    runs: int
    challenger: int | None
    share: float | None
    next: int
    versions: tuple[PromptVersionRow, ...]


@dataclass(frozen=True, slots=True)
class PromptList:
    """The prompts of a scenario in a language, by name."""

    items: tuple[PromptRow, ...]


def prompt_rows(scenario: Scenario, language: str, published: Published) -> PromptList:
    """The prompts of a scenario, as it is without what is published of its prompts."""
    own = {one.id for one in scenario.editions[language].prompts}
    others = {name for of, code, name in published.prompts if (of, code) == (scenario.id, language)}
    rows = []
    for name in sorted(own | others):
        record = published.prompts.get((scenario.id, language, name))
        try:
            rows.append(_row(standing_of(scenario, language, name, record)))
        except ConvmineError:  # published of a language or prompt that is gone
            continue
    return PromptList(tuple(rows))


def _row(standing: Standing) -> PromptRow:
    record = standing.record
    beside = record.challenger if record else None
    return PromptRow(
        prompt=standing.prompt,
        runs=standing.running.number,
        challenger=beside.prompt_version if beside else None,
        share=beside.share if beside else None,
        next=max({*standing.files, *standing.published}) + 1,
        versions=tuple(sorted(_versions(standing), key=lambda one: -one.version)),
    )


def _versions(standing: Standing) -> Iterator[PromptVersionRow]:
    record = standing.record
    earlier = {one.prompt_version: one for one in record.earlier} if record else {}
    texts = {**standing.published, **standing.files}
    for number, version in texts.items():
        runs, before = number == standing.running.number, earlier.get(number)
        signed = record if runs else before
        yield PromptVersionRow(
            label=version.label,
            version=number,
            digest=version.digest[:12],
            parameters=_parameters(version.text),
            runs=runs,
            ran=before is not None,
            rolled_back=before.rolled_back if before else False,
            by=signed.published_by if signed else None,
            at=signed.published_at.isoformat() if signed else None,
            reason=signed.reason if signed else None,
            text=standing.running.text if runs else version.text,
        )


def _parameters(text: str) -> tuple[str, ...]:
    try:
        return parse_prompt(text).parameters
    except PromptError:
        return ()
