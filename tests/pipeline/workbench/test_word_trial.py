"""Words tried on a call say what is found now, what is new and what is gone."""

from __future__ import annotations

from mined_calls import segment

from pipeline.scenarios.model import ForbiddenPhrase, RequiredPhrase, SensitiveWords, WordLists
from pipeline.workbench.word_trial import try_words
from schemas.wire import Role

SAID = (segment(0, Role.AGENT, "last chance, really your last chance"), segment(1, Role.AGENT, "last chance again"))
LAST = ForbiddenPhrase(name="last", title="Last", any_of=("last chance",))
NOTICE = RequiredPhrase(name="notice", title="Notice", role=Role.AGENT, any_of=("this call is recorded",))


def test_the_same_rule_with_the_same_places_is_as_before() -> None:
    lists = WordLists(forbidden_phrases=(LAST,), required_phrases=(NOTICE,))
    assert {(one.name, one.change) for one in try_words(SAID, lists, lists, None)} == {
        ("last", "same"),
        ("notice", "same"),
    }


def test_a_rule_that_comes_is_new_and_one_that_goes_is_gone() -> None:
    new = WordLists(sensitive_words=(SensitiveWords(name="again", title="Again", any_of=("again",)),))
    found = try_words(SAID, new, WordLists(forbidden_phrases=(LAST,)), None)
    assert [(one.name, one.change, one.count) for one in found] == [("again", "new", 1), ("last", "gone", 2)]


def test_of_many_places_a_few_are_shown_and_all_are_counted() -> None:
    many = [segment(number, Role.AGENT, "your last chance") for number in range(9)]
    (found,) = try_words(many, WordLists(forbidden_phrases=(LAST,)), WordLists(), None)
    assert found.count == 9
    assert len(found.places) == 3
    assert (found.places[0].at_ms, found.places[0].quote) == (0, "last chance")
