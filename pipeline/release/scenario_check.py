"""What is wrong with a scenario that is valid by itself: its prompts, examples, cards and names put to the test."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Final, assert_never

from pipeline.errors import Config
from pipeline.extract.answer import Answer, read_answer
from pipeline.extract.chunks import turns_of
from pipeline.extract.claims import grounded
from pipeline.extract.findings import Conversation
from pipeline.extract.lexical import LexicalClassifier
from pipeline.extract.prompting import EXTRACT_PROMPT, FILLED, messages_of
from pipeline.extract.whole_summary import summary_request
from pipeline.extract.words import words
from pipeline.llm.guarded import AnswerInvalid
from pipeline.ports import Account
from pipeline.questions.wording.worded import FILLED as FILLED_TO_ASK
from pipeline.questions.wording.worded import messages_of as asking_messages
from pipeline.release.card_check import unknown_slots
from pipeline.scenarios.model import Edition, Example, Scenario, Taxonomy
from pipeline.scenarios.prompt import Prompt, PromptError
from pipeline.suggest.phrasing import FILLED as FILLED_TO_SUGGEST
from pipeline.suggest.phrasing import Offer, Turn
from pipeline.suggest.phrasing import messages_of as suggesting_messages
from schemas.transcript import Segment
from schemas.wire import Role

_FEWEST_INTENTS: Final = 2
_TURN_MS: Final = 5_000
_FILLED: Final = {
    "findings": FILLED,
    "summary": frozenset({"scenario_title", "summaries"}),
    "question": FILLED_TO_ASK,
    "suggestion": FILLED_TO_SUGGEST,
}
_CLAIMS: Final = ("intents", "entities", "objections", "follow_ups")


def checked(scenario: Scenario) -> tuple[str, ...]:
    """What would fail when calls are mined, a line each, with file and field; empty where all is well.

    Takes about a second for each side of each language, as the classifier is fitted.
    """
    return tuple(
        f"{language}/{complaint}"
        for language, edition in scenario.editions.items()
        for complaint in chain(
            _of_prompts(scenario, edition),
            _of_examples(edition),
            _of_cards(edition),
            _of_taxonomy(edition.taxonomy),
        )
    )


def warned(scenario: Scenario) -> tuple[str, ...]:
    """What works and is hardly meant so, a line each."""
    return (*_differing_names(scenario), *_unknown_models(scenario), *_of_editions(scenario))


def _of_prompts(scenario: Scenario, edition: Edition) -> Iterator[str]:
    conversation = Conversation(_segments(_SAID), _TURN_MS * len(_SAID), scenario, edition)
    for prompt in edition.prompts:
        where = f"prompts/{prompt.label}.md"
        filled = _FILLED[prompt.answer]
        if missing := set(prompt.parameters) - filled - set(prompt.defaults):
            names = ", ".join(sorted(missing))
            yield f"{where}: parameters: {names} has no value: give a default, or use {', '.join(sorted(filled))}"
            continue
        try:
            _render(prompt, conversation)
        except PromptError as error:
            yield f"{where}: {error}"


def _render(prompt: Prompt, conversation: Conversation) -> None:
    match prompt.answer:
        case "findings":
            messages_of(prompt, conversation, turns_of(conversation.segments))
        case "summary":
            summary_request(prompt, ["…"], conversation, Account("", "", "", ""))
        case "question":
            asking_messages(prompt, "…", {"intent": ("…",)}, date(2026, 1, 1))
        case "suggestion":
            suggesting_messages(prompt, [Offer("…", "…")], [Turn(Role.CUSTOMER, "…")], conversation.edition)
        case _:
            assert_never(prompt.answer)


def _of_examples(edition: Edition) -> Iterator[str]:
    for example in edition.examples:
        where = f"examples.yaml: {example.id}.answer"
        try:
            answer = read_answer(json.dumps(dict(example.answer)), edition)
        except AnswerInvalid as error:
            yield f"{where}: {error}"
        else:
            yield from (f"{where}.{complaint}" for complaint in _ungrounded(answer, example, edition))


def _ungrounded(answer: Answer, example: Example, edition: Edition) -> Iterator[str]:
    """The claims that would be dropped, had a model made them."""
    said = [(turn.role, turn.text) for turn in example.turns]
    by_id = {turn.name: turn.segment for turn in turns_of(_segments(said))}
    nothing = answer.model_copy(update={**dict.fromkeys(_CLAIMS, ()), "outcome": None})
    claims = [(f"{field}.{n}", field, (claim,)) for field in _CLAIMS for n, claim in enumerate(getattr(answer, field))]
    for where, field, claim in [*claims, ("outcome", "outcome", answer.outcome)]:
        if grounded(nothing.model_copy(update={field: claim}), by_id, edition).dropped:
            yield f"{where}: its words do not stand in the turn that it names, or are not of that side"


def _of_cards(edition: Edition) -> Iterator[str]:
    for card_id, complaint in unknown_slots(edition.playbook.cards, edition):
        yield f"playbook.yaml: cards.{card_id}.{complaint}"


def _of_taxonomy(taxonomy: Taxonomy) -> Iterator[str]:
    wordless = [
        f"taxonomy.yaml: {where}: {text!r} has no word"
        for where, texts in _sentences(taxonomy)
        for text in texts
        if not words(text)
    ]
    if len(taxonomy.intents) < _FEWEST_INTENTS:
        yield "taxonomy.yaml: intents: there is one; nothing can be told apart"
    elif wordless:
        yield from wordless
    elif (failure := _failure_to_fit(taxonomy)) is not None:
        yield f"taxonomy.yaml: intents: nothing can be learnt from the examples: {failure}"


def _failure_to_fit(taxonomy: Taxonomy) -> str | None:
    try:
        LexicalClassifier(taxonomy).find(_segments(_SAID))
    except ValueError as error:
        return str(error)
    except Config:  # without scikit-learn nothing is fitted here, and calls are mined with a model
        return None
    return None


def _sentences(taxonomy: Taxonomy) -> Iterator[tuple[str, Sequence[str]]]:
    for intent in taxonomy.intents:
        yield f"intents.{intent.name}.examples", intent.examples
    yield "none_examples", taxonomy.none_examples


def _differing_names(scenario: Scenario) -> Iterator[str]:
    first = scenario.edition(None)
    for language, edition in scenario.editions.items():
        for field in ("intents", "topics", "outcomes"):
            ours, theirs = (_names(one.taxonomy, field) for one in (first, edition))
            if ours != theirs:
                names = ", ".join(sorted(ours ^ theirs))
                yield f"{language}/taxonomy.yaml: {field}: not the same as in {first.language!r}: {names}"


def _names(taxonomy: Taxonomy, field: str) -> set[str]:
    return {one.name for one in getattr(taxonomy, field)}


def _unknown_models(scenario: Scenario) -> Iterator[str]:
    ids = {prompt.id for edition in scenario.editions.values() for prompt in edition.prompts}
    for name in sorted(set(scenario.models) - ids):
        yield f"scenario.yaml: models.{name}: no prompt has this id; there are {', '.join(sorted(ids)) or 'none'}"


def _of_editions(scenario: Scenario) -> Iterator[str]:
    for language, edition in scenario.editions.items():
        if edition.prompt(EXTRACT_PROMPT) is None:
            yield f"{language}/prompts: there is no {EXTRACT_PROMPT!r}, without which no language model can be asked"
        if not edition.knowledge:
            yield f"{language}/knowledge: is empty: suggestions will quote nothing"
        if not edition.playbook.cards:
            yield f"{language}/playbook.yaml: cards: there are none: nothing will be suggested"
        for text, names in _shared_sentences(edition.taxonomy):
            yield f"{language}/taxonomy.yaml: {text!r} is an example of {' and of '.join(names)}"


def _shared_sentences(taxonomy: Taxonomy) -> Iterator[tuple[str, list[str]]]:
    """Sentences that are to be told apart and are the same."""
    roles = {f"intents.{intent.name}.examples": intent.role for intent in taxonomy.intents}
    sides: dict[tuple[Role | None, str], list[str]] = defaultdict(list)
    for where, texts in _sentences(taxonomy):
        for text in texts:
            sides[roles.get(where), " ".join(text.lower().split())].append(where)
    for (role, text), names in sides.items():
        found = names if role is None else [*names, *sides.get((None, text), ())]
        if len(found) > 1:
            yield text, found


def _segments(said: Sequence[tuple[Role, str]]) -> tuple[Segment, ...]:
    return tuple(
        Segment(segment_id=f"s{n}", role=role, start_ms=n * _TURN_MS, end_ms=(n + 1) * _TURN_MS, text=text)
        for n, (role, text) in enumerate(said)
    )


_SAID: Final = ((Role.AGENT, "good morning, how can I help"), (Role.CUSTOMER, "hello, I have a question"))
