"""Scenarios and how they are tried, what is mined from a call, by which language model, and what that may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from pipeline.settings.values import Causes, Dollars, Group, NamedSecrets, NamedValues, Positive, PriceList, Seconds


class ExtractSettings(Group):
    """Who mines intents."""

    extractor: Literal["lexical", "llm"] = "lexical"
    """Who mines: the offline classifier, or a language model (the group LLM)."""
    scenario: str = "telecom"
    """Scenario of calls whose event names none."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Probability from which the lexical extractor names an intent; where it is not set, the one measured for it."""
    reasks: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a language model is asked again when its answer is not valid or empty."""
    most_tokens: Positive = 8_000
    """An answer that was cut off is asked for again with twice the tokens, up to so many."""
    votes: Annotated[int, Field(ge=1, le=9)] = 1
    """How many answers a language model gives to one question; with more than one, what the majority says counts."""
    vote_temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Temperature of the second and further of those answers."""
    chunk_tokens: Annotated[int, Field(ge=1_000)] = 5_500
    """The longest prompt, in tokens by our own estimate, which may be a tenth too low; a longer conversation is read in
    chunks. With the longest answer it fits a context of 16,384; some nine minutes of English are one chunk.
    """
    overlap_turns: Annotated[int, Field(ge=0, le=50)] = 4
    """Turns of one chunk that the next one shows again, as long as they are at most a quarter of it."""
    chunks_at_once: Positive = 4
    """Chunks of one conversation that a language model is asked about at the same time."""
    live_every_s: Annotated[float, Field(ge=0, le=600)] | None = None
    """Seconds of a live call between two extractions: what is said between is mined with the next turn that ends. Where
    it is not set 15 with a language model, and 0, which is at each turn, with the lexical extractor.
    """
    fall_back: Causes = ("spent",)
    """For which causes the lexical extractor answers instead of the language model, and its findings say so: `spent`
    (no budget is left), `away` (otherwise events wait), `refused` (otherwise a dead letter); parted by commas.
    """
    check_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the calls that the lexical extractor mines, too, to measure how far both differ."""


class LlmSettings(Group):
    """Any OpenAI-compatible server."""

    base_url: str | None = None
    """Address of the server up to `/v1`; OpenAI's own where it is not set."""
    api_key: SecretStr | None = None
    """Key of the server; one of your own may need none."""
    model: str = "gpt-4.1-mini"
    """Name of the model."""
    timeout_s: Seconds = 60.0
    """Seconds that one answer may take."""
    headers: NamedSecrets = ()
    """Headers that are sent with every request, as `name=value`, parted by commas: `api-key=...` for Azure,
    `OpenAI-Organization=...`, or what a gateway asks for. Their values are kept secret.
    """
    query: NamedValues = ()
    """What is added to every address, as `name=value`, parted by commas: `api-version=2024-10-21` for Azure."""
    cache: Literal["sqlite", "qdrant", "off"] = "sqlite"
    """Where answers are kept, so that an event that comes again costs nothing: a file of this machine, a collection
    that the workers of a fleet share, or nowhere.
    """
    cache_path: Path = Path.home() / ".local" / "share" / "convmine" / "answers.sqlite"
    """File of the cache `sqlite`."""
    cache_days: Positive = 30
    """Days for which an answer is kept."""
    requests_per_minute: Positive | None = None
    """The most requests that one worker process sends in a minute, evenly spread; what the server says of its own
    limits (`x-ratelimit-*`, `Retry-After`) is kept to in any case.
    """
    tokens_per_minute: Positive | None = None
    """The most tokens, sent and received, that one worker process uses in a minute."""

    @property
    def is_set(self) -> bool:
        """Whether a model can be asked: a server of one's own is named, or what OpenAI's wants to see."""
        return bool(self.base_url or self.api_key or self.headers)

    @property
    def header_values(self) -> dict[str, str]:
        """The headers by name, with what they hold."""
        return dict(header.get_secret_value().split("=", 1) for header in self.headers)

    @property
    def query_values(self) -> dict[str, str]:
        """The parts of the query by name."""
        return dict(part.split("=", 1) for part in self.query)


class BudgetSettings(Group):
    """What language models may cost, at which prices, and where it is written down."""

    prices: PriceList = ()
    """US dollars for a million tokens: `model=input:output`, or `model=input:output:cached input`, parted by commas. A
    name stands for its dated versions, too; one that ends in `*` stands for all that begin so. The cost of a model
    without a price is not known, never 0.
    """
    call_tokens: Positive | None = None
    """The most tokens, sent and received, for one call; each worker counts from its own start."""
    call_usd: Dollars | None = None
    """The most US dollars for one call."""
    scenario_tokens: Positive | None = None
    """The most tokens for one scenario of a tenant on one day (UTC)."""
    scenario_usd: Dollars | None = None
    """The most US dollars for one scenario of a tenant on one day."""
    day_tokens: Positive | None = None
    """The most tokens for a tenant on one day; what happens at a cap says `CONVMINE_EXTRACT_FALL_BACK`."""
    day_usd: Dollars | None = None
    """The most US dollars for a tenant on one day."""
    ledger: Literal["sqlite", "qdrant", "off"] = "sqlite"
    """Where it is written down what was used, for `convmine cost` and for the caps of a day: a file of this machine, a
    collection that the workers of a fleet share, or nowhere; then each worker counts for itself, from its start.
    """
    ledger_path: Path = Path.home() / ".local" / "share" / "convmine" / "usage.sqlite"
    """File of the ledger `sqlite`."""
    ledger_days: Positive = 400
    """Days for which it is kept."""


class ScenariosSettings(Group):
    """Scenarios of one's own, beside those that ship."""

    path: Path | None = None
    """Folder with a folder for each scenario; what is published with `convmine scenario push` goes before it."""


class WorkbenchSettings(Group):
    """What people do with prompts: labels, back-tests, and when a version may be promoted."""

    place: Literal["sqlite", "qdrant"] = "sqlite"
    """Where labels and back-tests are kept: `sqlite` for one machine, `qdrant` for those who share a server."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "workbench.sqlite"
    """File of the place `sqlite`."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.02
    """By how much the F1 of any field may be worse in its back-test than that of the running version, for a version to
    be promoted all the same.
    """
