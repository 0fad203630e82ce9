"""A scenario as frozen values: one edition a language, with names that are checked against each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from pipeline.ids import place_of_name
from pipeline.scenarios.prompt import Prompt
from schemas.call import OutcomeResult
from schemas.wire import Lane, Role, Sentiment

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Za-z0-9]{2,8})*$")]
Text = Annotated[str, Field(min_length=1)]
Side = Literal[Role.AGENT, Role.CUSTOMER]


def _unique(where: str, names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where}: {name!r} is there twice")
        seen.add(name)
    return seen


def _known(where: str, name: str, names: set[str]) -> None:
    if name not in names:
        raise ValueError(f"{where}: {name!r} is not defined; there are {', '.join(sorted(names)) or 'none'}")


def _compiles(pattern: str) -> str:
    try:
        found = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if found.match(""):
        raise ValueError("is a regular expression that matches the empty string")
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TopicDefinition(_Part):
    """What a stretch of a conversation can be about."""

    name: Name
    title: Text


class IntentDefinition(_Part):
    """What one side can want, ask or do, with sentences that say it.

    ``answers`` are intents of the customer that this one of the agent goes into, besides those of its topic.
    """

    name: Name
    title: Text
    description: Text
    role: Side
    topic: Name
    sentiment: Sentiment
    answers: tuple[Name, ...] = ()
    examples: Annotated[tuple[Text, ...], Field(min_length=1)]


class OutcomeDefinition(_Part):
    """How a call can end, and the intents that say so."""

    name: Name
    title: Text
    result: OutcomeResult
    intents: Annotated[tuple[Name, ...], Field(min_length=1)]


class EntityValue(_Part):
    """A thing by its right name, and other names that it goes by."""

    value: Text
    said: Annotated[tuple[Text, ...], Field(min_length=1)]


class EntityDefinition(_Part):
    """A slot and the regular expressions that find it; the first pattern that matches a place wins.

    ``kind`` says what its words measure, ``currency`` (ISO 4217) which one is meant where they only say "dollars".
    ``values`` gives a thing one name, whichever of its names was said.
    """

    name: Name
    title: Text
    kind: Literal["text", "money", "percent", "date", "duration", "data"] = "text"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    values: tuple[EntityValue, ...] = ()
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _a_name_has_one_value(self) -> Self:
        _unique(f"entities.{self.name}.values", (name for known in self.values for name in known.said))
        return self


class Taxonomy(_Part):
    """All names that mining may give."""

    topics: Annotated[tuple[TopicDefinition, ...], Field(min_length=1)]
    intents: Annotated[tuple[IntentDefinition, ...], Field(min_length=1)]
    none_examples: Annotated[tuple[Text, ...], Field(min_length=1)]
    outcomes: tuple[OutcomeDefinition, ...] = ()
    entities: tuple[EntityDefinition, ...] = ()

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        topics = _unique("topics", (topic.name for topic in self.topics))
        intents = _unique("intents", (intent.name for intent in self.intents))
        _unique("outcomes", (outcome.name for outcome in self.outcomes))
        _unique("entities", (entity.name for entity in self.entities))
        for intent in self.intents:
            _known(f"intents.{intent.name}.topic", intent.topic, topics)
            for name in intent.answers:
                _known(f"intents.{intent.name}.answers", name, intents)
        decided: dict[str, str] = {}
        for outcome in self.outcomes:
            for name in outcome.intents:
                _known(f"outcomes.{outcome.name}.intents", name, intents)
                if decided.setdefault(name, outcome.name) != outcome.name:
                    raise ValueError(f"intent {name!r} decides two outcomes: {decided[name]!r} and {outcome.name!r}")
        return self

    def intent(self, name: str) -> IntentDefinition | None:
        """The intent of this name, or None."""
        return next((intent for intent in self.intents if intent.name == name), None)

    def outcome(self, name: str) -> OutcomeDefinition | None:
        """The outcome of this name, or None."""
        return next((outcome for outcome in self.outcomes if outcome.name == name), None)


class Trigger(_Part):
    """When a card fits; all that is set must hold.

    ``next_step`` holds while a call goes on, where calls that came the same way went on to this intent next with a
    probability of ``at_least``.
    """

    intent: Name | None = None
    topic: Name | None = None
    outcome: Name | None = None
    sentiment: Sentiment | None = None
    missing_phrase: Name | None = None
    unless_intent: Name | None = None
    next_step: Name | None = None
    at_least: Annotated[float, Field(gt=0, le=1)] = 0.5

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.model_dump(exclude={"unless_intent", "at_least"}, exclude_none=True):
            raise ValueError("names none of intent, topic, outcome, sentiment, missing_phrase, next_step")
        if self.next_step is not None and (self.outcome is not None or self.missing_phrase is not None):
            raise ValueError("next_step is known while a call goes on, outcome and missing_phrase when it has ended")
        return self


class Card(_Part):
    """Advice to the agent that a person has approved; ``priority`` 100 comes first."""

    id: Slug
    title: Text
    text: Text
    trigger: Trigger
    lanes: Annotated[tuple[Lane, ...], Field(min_length=1)]
    priority: Annotated[int, Field(ge=0, le=100)]
    approved_by: Text
    valid_from: date
    valid_to: date | None = None
    expires_after_s: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self


class Playbook(_Part):
    """The cards of one language."""

    cards: tuple[Card, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        _unique("cards", (card.id for card in self.cards))
        return self


class RequiredPhrase(_Part):
    """What one side must say: within so many seconds, or whenever the call ends in this outcome."""

    name: Name
    title: Text
    role: Side
    within_s: Annotated[int, Field(ge=1)] | None = None
    when_outcome: Name | None = None
    any_of: Annotated[tuple[Text, ...], Field(min_length=1)]


class ForbiddenPhrase(_Part):
    """What must not be said, by one side or by anybody."""

    name: Name
    title: Text
    role: Side | None = None
    any_of: Annotated[tuple[Text, ...], Field(min_length=1)]


class SensitiveWords(_Part):
    """Words that a person should look at, whoever said them."""

    name: Name
    title: Text
    any_of: Annotated[tuple[Text, ...], Field(min_length=1)]


class WordLists(_Part):
    """The compliance rules of one language."""

    required_phrases: tuple[RequiredPhrase, ...] = ()
    forbidden_phrases: tuple[ForbiddenPhrase, ...] = ()
    sensitive_words: tuple[SensitiveWords, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        _unique("required_phrases", (phrase.name for phrase in self.required_phrases))
        _unique("forbidden_phrases", (phrase.name for phrase in self.forbidden_phrases))
        _unique("sensitive_words", (words.name for words in self.sensitive_words))
        return self


class Document(_Part):
    """One file of the knowledge base, as Markdown; ``name`` is the file's without its ending."""

    name: Slug
    title: Text
    text: Text


class ExampleTurn(_Part):
    """What one side says in an example."""

    role: Side
    text: Text


class Example(_Part):
    """A short conversation with the answer that a model should give, which a prompt may show (few-shot).

    Its turns are called ``s1``, ``s2`` and so on, as those of a conversation are.
    """

    id: Slug
    turns: Annotated[tuple[ExampleTurn, ...], Field(min_length=1)]
    answer: Mapping[str, JsonValue]


class Challenger(_Part):
    """The version that a share of the calls is mined with instead."""

    version: Annotated[int, Field(ge=1)]
    share: Annotated[float, Field(gt=0, lt=1)]


class Running(_Part):
    """The version of a prompt that was promoted; without one the newest runs."""

    prompt: Slug
    version: Annotated[int, Field(ge=1)]
    challenger: Challenger | None = None

    def version_for(self, call_id: str) -> int:
        """The version that a call is mined with: always the same one for the same call."""
        if self.challenger is None:
            return self.version
        is_among = place_of_name(f"{self.prompt}:{call_id}") < self.challenger.share
        return self.challenger.version if is_among else self.version


class Edition(_Part):
    """A scenario in one language."""

    language: LanguageCode
    title: Text
    taxonomy: Taxonomy
    playbook: Playbook = Playbook()
    words: WordLists = WordLists()
    knowledge: tuple[Document, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    examples: tuple[Example, ...] = ()
    running: tuple[Running, ...] = ()

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        outcomes = {outcome.name for outcome in self.taxonomy.outcomes}
        known = {
            "intent": {intent.name for intent in self.taxonomy.intents},
            "topic": {topic.name for topic in self.taxonomy.topics},
            "outcome": outcomes,
            "missing_phrase": {phrase.name for phrase in self.words.required_phrases},
        }
        known["unless_intent"] = known["next_step"] = known["intent"]
        for card in self.playbook.cards:
            for field, names in known.items():
                if (name := getattr(card.trigger, field)) is not None:
                    _known(f"playbook.yaml: cards.{card.id}.trigger.{field}", name, names)
        for phrase in self.words.required_phrases:
            if phrase.when_outcome is not None:
                _known(f"words.yaml: required_phrases.{phrase.name}.when_outcome", phrase.when_outcome, outcomes)
        return self

    @model_validator(mode="after")
    def _prompts_agree(self) -> Self:
        labels = _unique("prompts", (prompt.label for prompt in self.prompts))
        examples = _unique("examples", (example.id for example in self.examples))
        for prompt in self.prompts:
            for name in prompt.examples:
                _known(f"prompts.{prompt.label}.examples", name, examples)
        _unique("running", (running.prompt for running in self.running))
        for running in self.running:
            for version in (running.version, running.challenger.version if running.challenger else running.version):
                _known("running", f"{running.prompt}.v{version}", labels)
        return self

    def prompt(self, prompt_id: str, call_id: str = "") -> Prompt | None:
        """The version of a prompt for a call: the promoted one, else the newest; None where there is none."""
        if (runs := self.runs(prompt_id)) is None:
            return None
        version = runs.version_for(call_id)
        return next(prompt for prompt in self.prompts if (prompt.id, prompt.version) == (prompt_id, version))

    def runs(self, prompt_id: str) -> Running | None:
        """What was promoted of a prompt, else its newest version; None where there is no such prompt."""
        promoted = next((running for running in self.running if running.prompt == prompt_id), None)
        versions = [prompt.version for prompt in self.prompts if prompt.id == prompt_id]
        return promoted or (Running(prompt=prompt_id, version=max(versions)) if versions else None)

    def with_running(self, running: Running) -> Self:
        """The same edition that runs a prompt in this version."""
        others = [one for one in self.running if one.prompt != running.prompt]
        return self.model_copy(update={"running": (*others, running)})


class Scenario(_Part):
    """What one kind of desk talks about, in every language that it speaks."""

    id: Slug
    version: Annotated[int, Field(ge=1)]
    default_language: LanguageCode
    editions: Mapping[str, Edition]
    models: Mapping[Slug, Text] = {}
    """The model of a prompt, by the prompt's id, where its front matter names none; else that of the settings."""

    @model_validator(mode="after")
    def _editions_are_of_their_languages(self) -> Self:
        _known("default_language", self.default_language, set(self.editions))
        for language, edition in self.editions.items():
            if edition.language != language:
                raise ValueError(f"editions.{language}: is one in {edition.language!r}")
        return self

    def edition(self, language: str | None) -> Edition:
        """The edition of a language: ``zh-CN`` falls back on ``zh``, an unknown language on the default."""
        if language is not None:
            for code in (language, language.partition("-")[0]):
                if code in self.editions:
                    return self.editions[code]
        return self.editions[self.default_language]

    def model_for(self, prompt: Prompt) -> str | None:
        """The model that a prompt is sent to; None for that of the settings."""
        return prompt.model or self.models.get(prompt.id)


class Scenarios(Protocol):
    """The scenario of an id, as a tenant has it.

    Raises:
        ScenarioError: there is none.
    """

    def __call__(self, name: str, tenant_id: str) -> Scenario: ...
