"""What is published when a prompt is promoted, rolled back or split, from where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.release.standing import Standing, Version
from schemas.reference import PromptChallenger, PromptPublished, PromptVersion

EARLIER: Final = 20
"""So many versions that ran before are kept in a record."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who changes what runs, when and why."""

    by: str
    at: datetime
    reason: str | None = None


def promoted(standing: Standing, version: Version, signature: Signature) -> PromptPublished:
    """The record with which this version runs; a split ends. What ran before comes first among the earlier ones."""
    return _record(standing, version, signature, rolled_back=False)


def rolled_back(standing: Standing, signature: Signature, to: int | None = None) -> PromptPublished:
    """The record with which an earlier version runs again; a split ends.

    Without ``to`` that is the newest of those that ran before and were not rolled back themselves, else the next older
    file. With it, any that ran before, or an older file.

    Raises:
        ConvmineError: there is none, or the one that is named never ran.
    """
    version = _last_good(standing) if to is None else _named(standing, to)
    return _record(standing, version, signature, rolled_back=True)


def split(
    standing: Standing, version: Version, challenger: Version, share: float, signature: Signature
) -> PromptPublished:
    """The record with which ``version`` runs, and the challenger for this share of the calls (above 0, below 1).

    Raises:
        ConvmineError: the two are one.
    """
    if challenger.number == version.number:
        raise ConvmineError(f"{version.label} cannot be compared with itself")
    beside = PromptChallenger(prompt_version=challenger.number, body=challenger.text, share=share)
    record = standing.record
    if record is None or record.prompt_version != version.number:
        return promoted(standing, version, signature).model_copy(update={"challenger": beside})
    return _changed(record, signature, challenger=beside)


def unsplit(standing: Standing, signature: Signature) -> PromptPublished:
    """The record without its challenger.

    Raises:
        ConvmineError: it has none.
    """
    if standing.record is None or standing.record.challenger is None:
        raise ConvmineError(f"{standing.running.label} runs alone in {standing.scenario} ({standing.language}) already")
    return _changed(standing.record, signature, challenger=None)


def _changed(record: PromptPublished, signature: Signature, *, challenger: PromptChallenger | None) -> PromptPublished:
    """The same version runs: why it was promoted is kept, unless there is a new reason."""
    signed = {**_signed(signature), "reason": signature.reason or record.reason}
    return record.model_copy(update={**signed, "challenger": challenger})


def _record(standing: Standing, version: Version, signature: Signature, *, rolled_back: bool) -> PromptPublished:
    return PromptPublished(
        scenario=standing.scenario,
        language=standing.language,
        prompt=standing.prompt,
        prompt_version=version.number,
        body=version.text,
        earlier=tuple(_earlier(standing, version, signature, rolled_back=rolled_back))[:EARLIER],
        **_signed(signature),
    )


def _earlier(
    standing: Standing, version: Version, signature: Signature, *, rolled_back: bool
) -> Iterator[PromptVersion]:
    """Each version that ran before once, the one that ran last first, without the one that runs now."""
    record, left = standing.record, standing.running
    if left.number != version.number:
        yield PromptVersion(
            prompt_version=left.number,
            body=left.text,
            published_by=record.published_by if record else signature.by,
            published_at=record.published_at if record else signature.at,
            reason=record.reason if record else "it ran as the newest file",
            rolled_back=rolled_back,
        )
    for one in record.earlier if record else ():
        if one.prompt_version not in {left.number, version.number}:
            yield one


def _signed(signature: Signature) -> dict[str, object]:
    return {"published_by": signature.by, "published_at": signature.at, "reason": signature.reason}


def _last_good(standing: Standing) -> Version:
    earlier = standing.record.earlier if standing.record else ()
    for one in earlier:
        if not one.rolled_back:
            return Version(standing.prompt, one.prompt_version, one.body)
    left = {one.prompt_version for one in earlier}
    older = [number for number in standing.files if number < standing.running.number and number not in left]
    if not older:
        raise ConvmineError(
            f"there is nothing to go back to: no version ran before {standing.running.label}, and no file is older",
            hint="name one that was rolled back with --to, or promote another",
        )
    return standing.files[max(older)]


def _named(standing: Standing, number: int) -> Version:
    running = standing.running
    if number == running.number:
        raise ConvmineError(f"{running.label} is what runs")
    for one in standing.record.earlier if standing.record else ():
        if one.prompt_version == number:
            return Version(standing.prompt, number, one.body)
    version = standing.version(number)
    if number > running.number or number not in standing.files:
        raise ConvmineError(f"{version.label} never ran", hint=f"convmine prompt promote {version.label}")
    return version
