"""What versions of a prompt found, from JSONL as ``convmine prompt try --out`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import ConvmineError
from pipeline.privacy.entry import masked
from pipeline.workbench.lines import numbered_lines
from schemas.insight import CallInsight
from schemas.transcript import TranscriptCompleted


class ResultsUnreadable(ConvmineError):
    """A file of results cannot be read; the message names the line and what is wrong."""


class _Row(BaseModel):
    """``insight`` is null where no valid answer came; what else a line has is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    insight: CallInsight | None
    transcript: TranscriptCompleted | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """An insight, and the words of its call, masked; None where the line does not have them."""

    insight: CallInsight
    transcript: TranscriptCompleted | None


def read_results(path: Path) -> Iterator[Result]:
    """The results of a file in order; those without a valid answer are passed over.

    Raises:
        ResultsUnreadable: the file or a line cannot be read.
    """
    for number, line in numbered_lines(path, ResultsUnreadable):
        row = _row(line, f"{path}, line {number}")
        if row.insight is not None:
            yield Result(row.insight, row.transcript and masked(row.transcript))


def complaint(error: ValidationError) -> str:
    """What is wrong with a line, in short: the field, and why."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return ": ".join(part for part in (where, first["msg"]) if part)


def _row(line: str, where: str) -> _Row:
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        raise ResultsUnreadable(f"{where}: {complaint(error)}") from error
    if row.insight and row.transcript and row.insight.call_id != row.transcript.call_id:
        raise ResultsUnreadable(f"{where}: the insight is of {row.insight.call_id!r}, the transcript of another call")
    return row
