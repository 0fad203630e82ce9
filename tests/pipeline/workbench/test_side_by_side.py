from __future__ import annotations

from mined_calls import insight

from pipeline.workbench.side_by_side import side_by_side


def test_the_same_thing_of_two_answers_stands_in_one_row_and_what_one_lacks_is_empty() -> None:
    whole = insight("call-one")
    less = whole.model_copy(update={"intents": whole.intents[1:], "summary": "another"})
    rows = side_by_side([whole, less])
    intents = [row for row in rows if row.field == "intents"]
    assert [[cell and cell.split()[0] for cell in row.cells] for row in intents] == [
        ["price_concern", None],
        ["cancel_contract", "cancel_contract"],
    ]
    assert [row.at_ms for row in intents] == [5_000, 15_000]
    (summary,) = [row for row in rows if row.field == "summary"]
    assert summary.cells == (whole.summary, "another")


def test_what_is_said_twice_of_a_place_has_two_rows_and_an_answer_that_did_not_come_none() -> None:
    whole = insight("call-one")
    twice = whole.model_copy(update={"intents": (whole.intents[0], whole.intents[0])})
    intents = [row.cells for row in side_by_side([twice, None, whole]) if row.field == "intents"]
    assert [[cell is not None for cell in cells] for cells in intents] == [
        [True, False, True],
        [True, False, False],
        [False, False, True],
    ]
