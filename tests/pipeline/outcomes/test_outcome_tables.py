from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.outcomes.reading import BrokenRow, Meaning, Reading
from pipeline.outcomes.table import NoTable, Row, open_table
from schemas.call import CallOutcome, OutcomeResult

NOW = datetime(2026, 4, 1, tzinfo=UTC)
HEADER = ("call_id", "outcome", "result", "observed_at", "observed_by")


def read(path: Path, meaning: Meaning | None = None, encoding: str | None = None) -> list[CallOutcome | str]:
    """The outcomes of a file; where a row holds none, its line and why."""
    read: list[CallOutcome | str] = []
    with open_table(path, encoding) as table:
        reading = Reading(table.header, meaning or Meaning(), NOW)
        for row in table.rows:
            try:
                read.append(reading.outcome(row))
            except BrokenRow as error:
                read.append(f"{row.line}: {error.message}")
    return read


def names(found: list[CallOutcome | str]) -> list[str]:
    return [one.name if isinstance(one, CallOutcome) else one for one in found]


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    return tmp_path / "crm.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_are_read_in_the_encodings_and_with_the_delimiters_of_spreadsheets(
    crm: Path, encoding: str, delimiter: str
) -> None:
    lines = ["Call ID,Result,Observed-At", "c-1,Won,2026-03-02", "客户-2,lost,2026-03-02"]
    crm.write_text("\r\n".join(lines).replace(",", delimiter), encoding=encoding)
    first, second = read(crm)
    assert first == CallOutcome(
        call_id="c-1",
        name="Won",
        result=OutcomeResult.WON,
        observed_at=datetime(2026, 3, 2, tzinfo=UTC),
        observed_by="crm",
    )
    assert isinstance(second, CallOutcome)
    assert second.call_id == "客户-2"


def test_columns_and_words_of_the_crm_are_named(crm: Path) -> None:
    crm.write_text("CaseID,Stage,Closed\nc-1,Closed  won,02.03.2026 10:00\n")
    meaning = Meaning(
        columns={"call_id": "CaseID", "outcome": "Stage", "observed_at": "Closed"},
        results={"Closed Won": OutcomeResult.WON},
        zone=ZoneInfo("Europe/Berlin"),
        date_format="%d.%m.%Y %H:%M",
        observed_by="salesforce",
    )
    (found,) = read(crm, meaning)
    assert isinstance(found, CallOutcome)
    assert (found.result, found.observed_by) == (OutcomeResult.WON, "salesforce")
    assert found.observed_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_row_that_is_broken_stops_no_other(crm: Path) -> None:
    crm.write_bytes(
        b"call_id,outcome,result,observed_at\n"
        b"c-1,sale,won,2026-03-02\n"
        b",sale,won,2026-03-02\n"
        b"c-3,sale,maybe,2026-03-02\n"
        b"c-4,sale,won,yesterday\n"
        b"c-5,sale,won,2036-03-02\n"
        b"\n"
        b'c-6,"a "quoted" word",won,2026-03-02\n'
        b"c-7,sale,won,2026-03-02,more\n"
        b"c-8,sale,won\n"
        b"c-9,verk\xe4uft,won,2026-03-02\n"
        b'"c-10","=1+1",won,2026-03-02\n'
    )
    found = read(crm)
    assert [one if isinstance(one, str) else one.call_id for one in found] == [
        "c-1",
        "3: call_id is empty",
        "4: 'maybe' is neither won, lost nor open: --map 'maybe'=won says what it means",
        "5: observed_at is 'yesterday', expected a date such as 2026-03-31 or 2026-03-31T14:05+02:00",
        "6: observed_at is '2036-03-02', which is yet to come",
        "8: is no CSV: ',' expected after '\"'; is a quote not closed?",
        "9: has 5 cells, the header 4",
        "10: observed_at is empty",
        "11: outcome is not UTF-8: name the file's --encoding",
        "c-10",
    ]
    assert names(found)[-1] == "=1+1", "what looks like a formula is text"


def test_a_quote_that_nobody_closes_swallows_no_rows_in_silence(crm: Path) -> None:
    crm.write_text('call_id,result,observed_at,note\nc-1,won,2026-03-02,"it was\nc-2,won,2026-03-02,\n')
    assert names(read(crm)) == ["2: is no CSV up to line 3: unexpected end of data; is a quote not closed?"]


def test_ids_that_a_spreadsheet_keeps_as_formulas_are_their_text(crm: Path) -> None:
    crm.write_text('call_id,result,observed_at\n"=""00471""",won,2026-03-02\n')
    (found,) = read(crm)
    assert isinstance(found, CallOutcome)
    assert found.call_id == "00471"


def test_an_encoding_that_is_named_is_used(crm: Path) -> None:
    crm.write_bytes("call_id,result,outcome,observed_at\nc-1,won,verkäuft,2026-03-02\n".encode("cp1252"))
    assert names(read(crm, encoding="cp1252")) == ["verkäuft"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no header"),
        (b"PK\x03\x04rest", "spreadsheet"),
        ("call_id,result\n".encode("utf-16-le"), "no UTF-8"),
        (b"\xff\xfec", "is not utf-16"),
        (b"call_id,observed_at\n", "no column outcome or result"),
        (b"call_id,result\n", "no column observed_at"),
        (b"call_id,Call ID,result,observed_at\n", "2 columns"),
    ],
)
def test_what_is_no_table_of_outcomes_is_refused_as_a_whole(crm: Path, content: bytes, said: str) -> None:
    crm.write_bytes(content)
    with pytest.raises(NoTable, match=said):
        read(crm)


cells = st.text(max_size=30) | st.sampled_from(["c-1", "won", "2026-03-02", "=1", '="0"', "9999-12-31T23:59-23:00"])


@given(st.lists(cells, max_size=7))
def test_every_row_is_an_outcome_or_broken(row: list[str]) -> None:
    try:
        found = Reading(HEADER, Meaning(), NOW).outcome(Row(2, tuple(row)))
    except BrokenRow as error:
        assert error.message  # noqa: PT017 - either is right
    else:
        assert found.observed_at.tzinfo is UTC
        assert CallOutcome.model_validate_json(found.model_dump_json()) == found
