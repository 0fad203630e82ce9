"""From a row of a CRM's table to the outcome that it observed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.outcomes.table import NoTable, Row
from schemas.call import CallOutcome, OutcomeResult

COLUMNS: Final[Mapping[str, str]] = {
    "call_id": "id of the call",
    "outcome": "name of the outcome",
    "result": "won, lost or open",
    "observed_at": "when it was observed",
    "observed_by": "who or what observed it",
}
"""What is read of a row, by the names that the columns have unless others are said."""
_LONGEST: Final = 200
"""Characters of a cell: what a call id may have, and what questions can ask for."""
_NOT_NAME: Final = re.compile(r"\W+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNDECODED: Final = re.compile(r"[\udc80-\udcff]")
_TEXT_FORMULA: Final = re.compile(r'="([^"]*)"')
"""A number written as a formula, so that a spreadsheet keeps its leading zeros."""
_AHEAD: Final = timedelta(days=1)
"""By which a record may be ahead of us: more is a mistake, and would beat every later outcome of its call."""


class BrokenRow(ConvmineError):
    """A row that holds no outcome; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a table does not say itself.

    ``columns`` are its names for ours, ``results`` what its words for a result mean. ``observed_at`` and
    ``observed_by`` are of rows that do not say it; times without a zone are of ``zone``. Dates are ISO 8601 unless
    ``date_format`` (as ``strptime`` reads it) is given.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, OutcomeResult] = field(default_factory=dict)
    observed_at: datetime | None = None
    observed_by: str = "crm"
    zone: tzinfo = UTC
    date_format: str | None = None


class Reading:
    """Reads the rows of one table.

    Raises:
        NoTable: a column that is needed is not there, or is there twice.
    """

    def __init__(self, header: Sequence[str], meaning: Meaning, now: datetime) -> None:
        self._meaning = meaning
        self._width = len(header)
        self._latest = now + _AHEAD
        self._places = _places(header, meaning.columns)
        own = {str(result): result for result in OutcomeResult}
        self._results = own | {_folded(text): result for text, result in meaning.results.items()}
        needed = [["call_id"], ["outcome", "result"], *([] if meaning.observed_at else [["observed_at"]])]
        for names in needed:
            if not self._places.keys() & names:
                raise NoTable(
                    f"there is no column {' or '.join(names)}",
                    hint=f"--column {names[-1]}=NAME says which; there are: {', '.join(header)}",
                )

    def outcome(self, row: Row) -> CallOutcome:
        """The outcome in a row.

        Raises:
            BrokenRow: there is none in it.
        """
        if row.broken:
            raise BrokenRow(row.broken)
        if len(row.cells) > self._width:
            raise BrokenRow(f"has {len(row.cells)} cells, the header {self._width}")
        cells = {name: self._cell(row, name) for name in COLUMNS}
        name = cells["outcome"] or cells["result"]
        if not cells["call_id"] or not name:
            raise BrokenRow(f"{'outcome' if cells['call_id'] else 'call_id'} is empty")
        return CallOutcome(
            call_id=cells["call_id"],
            name=name,
            result=self._result(cells["result"] or name),
            observed_at=self._observed_at(cells["observed_at"]),
            observed_by=cells["observed_by"] or self._meaning.observed_by,
        )

    def _cell(self, row: Row, name: str) -> str:
        place = self._places.get(name)
        text = row.cells[place].strip() if place is not None and place < len(row.cells) else ""
        if _UNDECODED.search(text):
            raise BrokenRow(f"{name} is not UTF-8: name the file's --encoding")
        if _CONTROL.search(text):
            raise BrokenRow(f"{name} has control characters or line breaks")
        if quoted := _TEXT_FORMULA.fullmatch(text):
            text = quoted[1].strip()
        if len(text) > _LONGEST:
            raise BrokenRow(f"{name} has more than {_LONGEST} characters")
        return text

    def _result(self, text: str) -> OutcomeResult:
        found = self._results.get(_folded(text))
        if found is None:
            raise BrokenRow(f"{text!r} is neither won, lost nor open: --map {text!r}=won says what it means")
        return found

    def _observed_at(self, text: str) -> datetime:
        if not text:
            if self._meaning.observed_at is None:
                raise BrokenRow("observed_at is empty")
            return self._meaning.observed_at
        try:
            at = instant_of(text, self._meaning.zone, self._meaning.date_format)
        except (ValueError, OverflowError):
            expected = self._meaning.date_format or "a date such as 2026-03-31 or 2026-03-31T14:05+02:00"
            raise BrokenRow(f"observed_at is {text!r}, expected {expected}") from None
        if at > self._latest:
            raise BrokenRow(f"observed_at is {text!r}, which is yet to come")
        return at


def instant_of(text: str, zone: tzinfo, date_format: str | None = None) -> datetime:
    """The instant, in UTC, of a date or time, which is of ``zone`` unless it names one itself.

    Raises:
        ValueError: it is neither.
        OverflowError: it lies outside the calendar.
    """
    at = datetime.strptime(text, date_format) if date_format else datetime.fromisoformat(text)  # noqa: DTZ007 - the zone comes next
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _places(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """The places of our columns: those that are said by their exact names, the others however they are spelt."""
    found = {}
    for name in COLUMNS:
        said = columns.get(name)
        places = [
            place for place, one in enumerate(header) if (one == said if said is not None else _spelt(one) == name)
        ]
        if said is not None and not places:
            raise NoTable(f"there is no column {said!r}", hint=f"there are: {', '.join(header)}")
        if len(places) > 1:
            raise NoTable(f"there are {len(places)} columns {header[places[0]]!r}", hint="rename one of them")
        if places:
            found[name] = places[0]
    return found


def _spelt(name: str) -> str:
    """``Call ID`` and ``call-id`` are ``call_id``."""
    return _NOT_NAME.sub("_", name.strip()).lower()


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
