"""What is published when a prompt is promoted, rolled back and split, one after the other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConvmineError
from pipeline.release.standing import Standing, Version
from pipeline.release.succession import EARLIER, Signature, promoted, rolled_back, split, unsplit
from schemas.reference import PromptPublished

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Signature("ann", AT, "because")
FILES = {number: Version("extract", number, f"text {number}") for number in range(1, 31)}
STEPS = st.lists(st.tuples(st.sampled_from(["promote", "back", "split"]), st.integers(1, 30)), max_size=40)


def at(record: PromptPublished | None, files: int = 3) -> Standing:
    return Standing("telecom", "en", "extract", {number: FILES[number] for number in range(1, files + 1)}, record)


def after(*numbers: int) -> Standing:
    """Where the prompt stands when these versions were promoted one after the other, each when its file had come."""
    record = None
    for number in numbers:
        record = promoted(Standing("telecom", "en", "extract", {number: FILES[number]}, record), FILES[number], ANN)
    return at(record)


def ran(record: PromptPublished) -> list[int]:
    return [one.prompt_version for one in record.earlier]


def test_who_is_promoted_runs_and_who_ran_comes_first_among_the_earlier() -> None:
    record = after(1, 2, 3).record
    assert record is not None
    assert (record.prompt_version, record.body, ran(record)) == (3, "text 3", [2, 1])
    assert (record.published_by, record.published_at, record.reason) == ("ann", AT, "because")
    assert [one.body for one in record.earlier] == ["text 2", "text 1"]


def test_the_file_that_ran_unpublished_is_kept_when_another_is_promoted() -> None:
    record = promoted(at(None), FILES[1], ANN)
    assert [(one.prompt_version, one.reason) for one in record.earlier] == [(3, "it ran as the newest file")]
    assert rolled_back(at(record), ANN).prompt_version == 3


def test_each_roll_back_goes_further_back_and_not_to_what_was_rolled_back() -> None:
    standing = after(1, 2, 3)
    second = rolled_back(standing, ANN)
    first = rolled_back(at(second), ANN)
    assert (second.prompt_version, first.prompt_version) == (2, 1)
    assert [(one.prompt_version, one.rolled_back) for one in first.earlier] == [(2, True), (3, True)]
    with pytest.raises(ConvmineError, match=r"nothing to go back to: no version ran before extract\.v1"):
        rolled_back(at(first), ANN)


def test_after_a_roll_back_a_promotion_is_taken_back_to_what_ran_before_it() -> None:
    back = at(rolled_back(after(1, 2), ANN))
    third = promoted(back, FILES[3], ANN)
    assert rolled_back(at(third), ANN).prompt_version == 1


def test_what_was_rolled_back_can_be_promoted_again() -> None:
    again = promoted(at(rolled_back(after(1, 2), ANN)), FILES[2], ANN)
    assert (again.prompt_version, [(one.prompt_version, one.rolled_back) for one in again.earlier]) == (2, [(1, False)])


def test_without_a_version_that_ran_before_the_next_older_file_runs() -> None:
    assert rolled_back(after(2), ANN).prompt_version == 1
    assert rolled_back(at(None), ANN).prompt_version == 2


def test_a_roll_back_goes_to_the_version_that_is_named() -> None:
    standing = after(1, 3)
    assert rolled_back(standing, ANN, 1).prompt_version == 1
    assert rolled_back(standing, ANN, 2).prompt_version == 2
    assert rolled_back(at(rolled_back(standing, ANN)), ANN, 3).prompt_version == 3


@pytest.mark.parametrize(("to", "why"), [(2, r"extract\.v2 is what runs"), (3, "never ran"), (9, r"no extract\.v9")])
def test_a_roll_back_goes_nowhere_else(to: int, why: str) -> None:
    with pytest.raises(ConvmineError, match=why):
        rolled_back(after(1, 2), ANN, to)


def test_what_ran_comes_back_as_it_was_published_whatever_its_file_says_now() -> None:
    record = promoted(after(1), FILES[2], ANN)
    changed = Standing("telecom", "en", "extract", {1: Version("extract", 1, "changed")}, record)
    assert rolled_back(changed, ANN).body == "text 1"
    with pytest.raises(ConvmineError, match="published before with other content"):
        changed.version(1)


def test_a_split_gives_a_share_to_the_challenger_and_takes_nothing_from_what_runs() -> None:
    record = split(after(1), FILES[1], FILES[2], 0.1, Signature("bob", AT))
    assert (record.prompt_version, record.published_by, record.reason) == (1, "bob", "because")
    assert record.challenger is not None
    assert (record.challenger.prompt_version, record.challenger.body, record.challenger.share) == (2, "text 2", 0.1)
    assert at(record, 1).version(2).text == "text 2"
    ended = unsplit(at(record), ANN)
    assert (ended.challenger, ended.prompt_version, ran(ended)) == (None, 1, [])
    with pytest.raises(ConvmineError, match="runs alone"):
        unsplit(at(ended), ANN)


def test_a_split_with_another_version_than_runs_promotes_it() -> None:
    record = split(after(1), FILES[2], FILES[3], 0.5, ANN)
    assert (record.prompt_version, ran(record)) == (2, [1])


@pytest.mark.parametrize("ends", [lambda s: promoted(s, FILES[2], ANN), lambda s: rolled_back(s, ANN)])
def test_a_promotion_and_a_roll_back_end_a_split(ends: object) -> None:
    standing = at(split(after(1, 3), FILES[3], FILES[2], 0.1, ANN))
    assert callable(ends)
    assert ends(standing).challenger is None


def test_a_version_is_not_split_with_itself() -> None:
    with pytest.raises(ConvmineError, match="with itself"):
        split(after(1), FILES[1], FILES[1], 0.1, ANN)


def test_a_version_that_nobody_has_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConvmineError, match=r"no extract\.v9 in telecom \(en\); there are extract\.v1, extract\.v2"):
        at(None, 2).version(9)


@pytest.mark.parametrize(("published", "candidate", "before"), [((), 3, 2), ((), 1, 3), ((1,), 3, 1), ((3,), 1, 3)])
def test_a_candidate_is_held_against_what_it_takes_the_place_of(
    published: tuple[int, ...], candidate: int, before: int
) -> None:
    assert after(*published).before(FILES[candidate]) == FILES[before]


def test_the_first_version_takes_nobody_s_place() -> None:
    assert at(None, 1).before(FILES[1]) is None


@given(STEPS)
def test_whatever_is_done_history_is_short_names_each_version_once_and_not_the_one_that_runs(
    steps: list[tuple[str, int]],
) -> None:
    record: PromptPublished | None = None
    for what, number in steps:
        standing = at(record, 30)
        try:
            if what == "promote":
                record = promoted(standing, FILES[number], ANN)
            elif what == "back":
                record = rolled_back(standing, ANN)
            else:
                record = split(standing, standing.running, FILES[number], 0.1, ANN)
        except ConvmineError:
            continue
        versions = ran(record)
        assert len(versions) == len(set(versions)) <= EARLIER
        assert record.prompt_version not in versions
        assert all(one.body == FILES[one.prompt_version].text for one in record.earlier)
        assert record.body == FILES[record.prompt_version].text


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_roll_backs_go_through_what_ran_backwards_then_through_older_files(promotions: list[int]) -> None:
    record: PromptPublished | None = None
    for number in promotions:
        record = promoted(at(record, 30), FILES[number], ANN)
    assert record is not None
    waiting = ran(record)
    while waiting:
        record = rolled_back(at(record, 30), ANN)
        assert record.prompt_version == waiting.pop(0)
