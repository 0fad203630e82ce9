"""Scenarios and prompts as tenants publish them, and as records that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from pipeline.handling import Outbound
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Example, ExampleTurn, IntentDefinition, Scenario, Taxonomy
from pipeline.scenarios.model import TopicDefinition as Topic
from pipeline.scenarios.prompt import Prompt, parse_prompt
from pipeline.stages import PROMPTS, SCENARIOS
from schemas.envelope import message
from schemas.reference import PromptChallenger, PromptPublished, ScenarioPublished
from schemas.wire import Payload, Role, Sentiment
from workers.records import NewRecord, Record, write_event

AT = datetime(2026, 1, 1, tzinfo=UTC)
_IDS = count()


def scenario(
    name: str = "retail", version: int = 1, languages: Sequence[str] = ("en",), prompts: Sequence[Prompt] = ()
) -> Scenario:
    """A scenario with one intent, and with an example ``ex`` that prompts may show."""
    intent = IntentDefinition(
        name="return_it",
        title="Return",
        description="wants to send it back",
        role=Role.CUSTOMER,
        topic="orders",
        sentiment=Sentiment.NEUTRAL,
        examples=("i want to send it back",),
    )
    taxonomy = Taxonomy(topics=(Topic(name="orders", title="Orders"),), intents=(intent,), none_examples=("good day",))
    example = Example(id="ex", turns=(ExampleTurn(role=Role.CUSTOMER, text="back with it"),), answer={"intents": []})
    editions = {
        language: Edition(
            language=language,
            title=f"{name} {version}",
            taxonomy=taxonomy,
            examples=(example,),
            prompts=tuple(prompt for prompt in prompts if prompt.language == language),
        )
        for language in languages
    }
    return Scenario(id=name, version=version, default_language=languages[0], editions=editions)


def prompt_text(
    version: int = 1, *, of: str = "retail", language: str = "en", name: str = "greet", say: str = ""
) -> str:
    """The file of a prompt."""
    front = f"id: {name}\nversion: {version}\nscenario: {of}\nlanguage: {language}\nparameters: []\n"
    return f"---\n{front}---\n# system\nBe brief. {say}\n# user\nHello.\n"


def prompt(version: int = 1, *, of: str = "retail", language: str = "en") -> Prompt:
    return parse_prompt(prompt_text(version, of=of, language=language))


def scenario_published(what: Scenario) -> ScenarioPublished:
    return ScenarioPublished(
        scenario=what.id,
        scenario_version=what.version,
        published_by="ann",
        published_at=AT,
        content=what.model_dump(mode="json"),
    )


def prompt_published(  # noqa: PLR0913 - what a prompt is named by, each named
    version: int = 2,
    *,
    of: str = "retail",
    language: str = "en",
    name: str = "greet",
    body: str | None = None,
    challenger: tuple[int, float] | None = None,
) -> PromptPublished:
    """A version that is to run; ``challenger``: version and share."""
    challenging = None
    if challenger is not None:
        text = prompt_text(challenger[0], of=of, language=language, name=name)
        challenging = PromptChallenger(prompt_version=challenger[0], body=text, share=challenger[1])
    return PromptPublished(
        scenario=of,
        language=language,
        prompt=name,
        prompt_version=version,
        published_by="ann",
        published_at=AT,
        body=prompt_text(version, of=of, language=language, name=name) if body is None else body,
        challenger=challenging,
    )


def new_record(published: ScenarioPublished | PromptPublished, tenant: str = "acme") -> NewRecord:
    """The record with which it is published."""
    key = f"{tenant}:{published.scenario}"
    if isinstance(published, PromptPublished):
        return _new(PROMPTS, f"{key}:{published.language}:{published.prompt}", published, tenant)
    return _new(SCENARIOS, key, published, tenant)


def tombstone(of: NewRecord) -> NewRecord:
    return NewRecord(of.topic, of.key, None, ())


def as_read(record: NewRecord) -> Record:
    """The record as a reader has it."""
    return Record(record.topic, 0, next(_IDS), record.key, record.value, record.headers)


def _new(topic: str, key: str, payload: Payload, tenant: str) -> NewRecord:
    told = message(
        payload, id=f"e{next(_IDS)}", source="/test", time=AT, subject=key.partition(":")[2], tenant_id=tenant, key=key
    )
    return write_event(Outbound(topic, told))


RETAIL = scenario("retail", 1, prompts=(prompt(1), prompt(3)))


def loaded(name: str) -> Scenario:
    """The one scenario that lies in files."""
    if name != "retail":
        raise ScenarioError(f"no scenario {name!r}")
    return RETAIL
