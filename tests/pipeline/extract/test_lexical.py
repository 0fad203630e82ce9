from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from talks import conversation, talk

from pipeline.extract import lexical
from pipeline.extract.findings import Conversation
from pipeline.extract.lexical import LexicalClassifier, LexicalExtractor
from pipeline.llm.static_embedding import StaticEmbedding
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Taxonomy
from schemas.insight import Extractor
from schemas.wire import Role


@pytest.fixture(scope="module")
def english() -> LexicalClassifier:
    return LexicalClassifier(shipped("telecom").edition("en").taxonomy, encode=StaticEmbedding().sums)


def names(classifier: LexicalClassifier, line: str) -> list[str]:
    return [found.name for found in classifier.find(talk(line))]


@pytest.mark.parametrize(
    ("line", "intent"),
    [
        ("c: i would like to cancel my home internet contract", "cancel_contract"),
        ("c: what would that cost me every month", "ask_price"),
        ("c: i was charged two times in may", "billing_problem"),
        ("a: please be aware that this call is recorded", "recording_notice"),
        ("a: i can offer you the smart plan for thirty dollars", "make_offer"),
        ("a: let me connect you to my supervisor", "transfer_supervisor"),
    ],
)
def test_an_intent_is_found_in_words_that_are_no_example(english: LexicalClassifier, line: str, intent: str) -> None:
    assert names(english, line) == [intent]


@pytest.mark.parametrize(
    "line", ["c: yes", "c: five five five one two three four", "a: one moment please", "a: thank you"]
)
def test_small_talk_and_numbers_have_no_intent(english: LexicalClassifier, line: str) -> None:
    assert names(english, line) == []


def test_two_intents_in_one_segment_without_punctuation_are_both_found(english: LexicalClassifier) -> None:
    found = english.find(talk("c: that is way too expensive i want to speak to your manager"))
    assert [intent.name for intent in found] == ["price_objection", "request_supervisor"]
    assert "manager" in found[1].evidence.quote
    assert "manager" not in found[0].evidence.quote


def test_the_quote_stands_in_the_segment_as_it_was_written(english: LexicalClassifier) -> None:
    (segment,) = talk("c: Well, I want to CANCEL my contract!")
    (found,) = english.find([segment])
    assert found.evidence.quote in segment.text
    assert "CANCEL" in found.evidence.quote


def test_a_side_is_never_given_an_intent_of_the_other(english: LexicalClassifier) -> None:
    taxonomy = shipped("telecom").edition("en").taxonomy
    roles = {intent.name: intent.role for intent in taxonomy.intents}
    for intent in taxonomy.intents:
        other = "a" if intent.role is Role.CUSTOMER else "c"
        for found in english.find(talk(*(f"{other}: {example}" for example in intent.examples))):
            assert roles[found.name] == found.evidence.role


@pytest.mark.parametrize(
    ("letter", "expected"), [("s", ["transfer_supervisor"]), ("?", ["transfer_supervisor"]), ("c", [])]
)
def test_supervisors_and_unknown_speakers_may_have_intents_of_the_desk(
    english: LexicalClassifier, letter: str, expected: list[str]
) -> None:
    found = names(english, f"{letter}: i will transfer you to my supervisor")
    assert [name for name in found if name == "transfer_supervisor"] == expected


def test_a_higher_threshold_names_less() -> None:
    taxonomy = shipped("telecom").edition("en").taxonomy
    line = "c: i guess the money is a thing for us"
    low, high = (LexicalClassifier(taxonomy, threshold=threshold) for threshold in (0.05, 0.95))
    assert len(names(low, line)) > len(names(high, line))


async def test_chinese_is_mined_with_the_chinese_examples() -> None:
    talked = conversation("c: 我想把家里的宽带取消掉", "a: 那我明天上午再给您打电话", "c: 好的", language="zh")
    findings = await LexicalExtractor().extract(talked)
    assert [found.name for found in findings.intents] == ["cancel_contract", "schedule_callback"]
    assert findings.outcome is not None
    assert findings.outcome.name == "call_back"
    assert "约定再联系" in findings.summary
    assert findings.provenance.extractor is Extractor.LEXICAL


async def test_no_intent_is_no_outcome_and_is_said() -> None:
    findings = await LexicalExtractor().extract(conversation("c: yes", "a: okay"))
    assert (findings.intents, findings.outcome) == ((), None)
    assert findings.summary == "Nothing was said that this scenario has a name for."


def with_taxonomy(talked: Conversation, **changed: object) -> Conversation:
    """The same talk, mined with another taxonomy of the same scenario and version."""
    taxonomy = talked.edition.taxonomy.model_copy(update=changed)
    return replace(talked, edition=talked.edition.model_copy(update={"taxonomy": taxonomy}))


async def test_two_taxonomies_of_one_version_are_told_apart() -> None:
    talked = conversation("c: i would like to cancel my home internet contract")
    intents = [one for one in talked.edition.taxonomy.intents if one.name != "cancel_contract"]
    extractor = LexicalExtractor()
    found = [await extractor.extract(one) for one in (talked, with_taxonomy(talked, intents=tuple(intents)))]
    assert ["cancel_contract" in {intent.name for intent in one.intents} for one in found] == [True, False]


async def test_what_was_fitted_for_a_taxonomy_that_is_long_out_of_use_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[Taxonomy] = []
    monkeypatch.setattr(lexical, "_MOST_FITTED", 2)
    monkeypatch.setattr(lexical, "_fit", lambda taxonomy, *_: fitted.append(taxonomy))
    extractor = LexicalExtractor()
    first, second, third = (with_taxonomy(conversation("c: hello")) for _ in range(3))
    for talked in (first, second, first, third, first, second):
        await extractor.extract(talked)
    expected = [talked.edition.taxonomy for talked in (first, second, third, second)]
    assert list(map(id, fitted)) == list(map(id, expected))


def test_calls_that_need_a_taxonomy_at_the_same_time_fit_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[Taxonomy] = []

    def fit(taxonomy: Taxonomy, *_: object) -> None:
        time.sleep(0.05)  # long enough for the others to ask for it, too
        fitted.append(taxonomy)

    monkeypatch.setattr(lexical, "_fit", fit)
    classifier = LexicalClassifier(shipped("telecom").edition("en").taxonomy)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(classifier.find, [talk("c: hello")] * 4))
    assert len(fitted) == 1
