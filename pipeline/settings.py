"""Every setting, in one frozen value; ``load()`` is the only place that reads the environment.

A setting of group ``asr`` named ``engine`` is the variable ``CONVMINE_ASR_ENGINE``. The names that other tools use too
(``KAFKA_BOOTSTRAP_SERVERS``, ``QDRANT_URL``, ``OPENAI_API_KEY``) serve where ours is not set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pipeline.errors import Config
from pipeline.secret_files import SUFFIX, from_files, secret_variables

PREFIX: Final = "CONVMINE_"
OPENAI_URL: Final = "https://api.openai.com/v1"
"""Where OpenAI-compatible clients go unless a base URL is set; given to them so that they read no variable."""
SHARED: Final[Mapping[str, tuple[str, str]]] = {
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "bootstrap_servers"),
    "QDRANT_URL": ("store", "url"),
    "QDRANT_API_KEY": ("store", "api_key"),
    "OPENAI_API_KEY": ("llm", "api_key"),
    "OPENAI_BASE_URL": ("llm", "base_url"),
}
"""Variables of other tools, each with the group and name of the setting that it serves."""
# Variables of our scripts and tests, which are no settings of the program.
_SCRIPTS: Final = frozenset(
    {
        *("CONVMINE_VENV", "CONVMINE_EVAL_DATA", "CONVMINE_LIVE_LLM"),
        *("CONVMINE_CHAOS_SEED", "CONVMINE_CHAOS_FAUST", "CONVMINE_FUZZ_SEED"),
    }
)
_HEADERS_ROOM: Final = 16_384
"""Bytes of a record besides its value: key, headers (seven ids of up to 800 bytes) and Kafka's overhead."""

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
Dollars = Annotated[float, Field(gt=0)]
_NAMED: Final = re.compile(r"[A-Za-z0-9_.-]+=[\x20-\x7e]*")
V = TypeVar("V", str, SecretStr)
_DECIMAL: Final = r"\d+(\.\d+)?"
_PRICE: Final = re.compile(rf"[^=\s]+={_DECIMAL}:{_DECIMAL}(:{_DECIMAL})?")


def _split(value: object) -> object:
    return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


def _named(entry: V) -> V:
    text = entry.get_secret_value() if isinstance(entry, SecretStr) else str(entry)
    if not _NAMED.fullmatch(text):
        raise ValueError("expected name=value")  # and nothing of it, as it may be a secret
    return entry


def _priced(entry: str) -> str:
    if not _PRICE.fullmatch(entry):
        raise ValueError(f"{entry!r}: expected a model and its prices, such as gpt-4.1-mini=0.4:1.6")
    return entry


Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
NamedValues = Annotated[tuple[Annotated[str, AfterValidator(_named)], ...], NoDecode, BeforeValidator(_split)]
NamedSecrets = Annotated[tuple[Annotated[SecretStr, AfterValidator(_named)], ...], NoDecode, BeforeValidator(_split)]
PriceList = Annotated[tuple[Annotated[str, AfterValidator(_priced)], ...], NoDecode, BeforeValidator(_split)]
Cause = Literal["spent", "away", "refused"]
"""Why a language model does not answer: no budget is left, its server is away, or no valid answer came."""
Causes = Annotated[tuple[Cause, ...], NoDecode, BeforeValidator(_split)]


class Group(BaseModel):
    """Settings of one concern; the text under each is its description in docs/configuration.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class KafkaSettings(Group):
    """The broker, and how its topics are made."""

    bootstrap_servers: str = "localhost:9092"
    """Brokers to start from, as `host:port`, separated by commas."""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=60)] = ""
    """Stands before the name of every topic and consumer group, so that installations can share a broker."""
    partitions: Positive = 6
    """Partitions of the topics that `convmine topics apply` creates: the most workers that can share one stage."""
    replication: Positive = 1
    """Copies of each partition that `convmine topics apply` asks for; 3 is usual on a cluster."""
    max_message_bytes: Positive = 1_000_000
    """The largest record that is written, in bytes; not more than the broker's `message.max.bytes`. A larger result
    goes by claim check (the group claims); a larger graph becomes a dead letter.
    """
    session_timeout_s: Annotated[float, Field(ge=6)] = 30.0
    """Seconds without a sign of life after which the broker gives a worker's partitions to others."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How the brokers are spoken to: `SSL` and `SASL_SSL` are encrypted, the two with `SASL` sign in."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    """How a process signs in; needed with `SASL_SSL` and `SASL_PLAINTEXT`."""
    username: str | None = None
    """Its name, with `PLAIN` and `SCRAM`."""
    password: SecretStr | None = None
    """Its password."""
    ca_file: Path | None = None
    """File (PEM) of the authorities that may have signed the brokers' certificates; without it, those of this machine.
    """
    cert_file: Path | None = None
    """File (PEM) of the certificate that this process shows (mutual TLS), and of those that it was signed with."""
    key_file: Path | None = None
    """File (PEM) of its key, where that is not in the same file."""
    key_password: SecretStr | None = None
    """The password of that key, where it has one."""
    oauth_token_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Where `OAUTHBEARER` gets its tokens (client credentials); `https`, unless it is on this machine."""
    oauth_client_id: str | None = None
    """The client that it is there."""
    oauth_client_secret: SecretStr | None = None
    """The secret of that client."""
    oauth_scope: str | None = None
    """The scope that is asked for, where the server wants one."""

    @property
    def encrypted(self) -> bool:
        """Whether the brokers are spoken to over TLS."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def signs_in(self) -> bool:
        """Whether the brokers want a name, by SASL."""
        return self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @model_validator(mode="after")
    def _security_fits_together(self) -> Self:
        """What would be left unused is refused too: whoever sets a password means that it is asked for."""
        for name, expected in _misfits(self):
            # Not a ValueError: pydantic would name the group and not the setting.
            raise Config(f"{PREFIX}KAFKA_{name}", expected)
        return self


def _misfits(kafka: KafkaSettings) -> Iterator[tuple[str, str]]:
    """The settings of Kafka's security that are missing or have no use, with what is expected."""
    protocol, mechanism = kafka.security_protocol, kafka.sasl_mechanism
    if kafka.signs_in and mechanism is None:
        yield "SASL_MECHANISM", f"is needed with {protocol}: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    if mechanism is not None and not kafka.signs_in:
        yield "SECURITY_PROTOCOL", f"must be SASL_SSL or SASL_PLAINTEXT with the mechanism {mechanism}, is {protocol}"
    by_token = mechanism == "OAUTHBEARER"
    named = {"USERNAME": kafka.username, "PASSWORD": kafka.password}
    client = {
        "OAUTH_TOKEN_URL": kafka.oauth_token_url,
        "OAUTH_CLIENT_ID": kafka.oauth_client_id,
        "OAUTH_CLIENT_SECRET": kafka.oauth_client_secret,
    }
    for needed, what, using in (
        (kafka.signs_in and not by_token, named, "PLAIN and SCRAM"),
        (kafka.signs_in and by_token, client, "OAUTHBEARER"),
    ):
        for name, value in what.items():
            if needed and value is None:
                yield name, f"is needed with {mechanism}"
            elif value is not None and not needed:
                yield name, f"is used with {using} alone: the protocol is {protocol}, the mechanism {mechanism}"
    if by_token and not _is_safe(kafka.oauth_token_url or ""):
        yield "OAUTH_TOKEN_URL", "must begin with https://, as the client's secret is sent there"
    yield from _misfits_of_tls(kafka)


def _misfits_of_tls(kafka: KafkaSettings) -> Iterator[tuple[str, str]]:
    for name, file in (("CA_FILE", kafka.ca_file), ("CERT_FILE", kafka.cert_file), ("KEY_FILE", kafka.key_file)):
        if file is not None and not kafka.encrypted:
            yield name, f"is used with SSL and SASL_SSL alone: the protocol is {kafka.security_protocol}"
    if kafka.cert_file is None and (kafka.key_file or kafka.key_password):
        yield "CERT_FILE", "is needed with a key"


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}


class RuntimeSettings(Group):
    """Concurrency, patience, and where a worker says how it is."""

    in_flight: Positive = 16
    """Events that a worker handles at the same time; those of one call stay in order."""
    window: Positive = 1_000
    """Offsets that a worker may be ahead of the oldest unfinished event of a partition: the most that a kill repeats
    there.
    """
    audio_window: Positive = 10_000
    """The same for `asr` of the lane live, whose events are pieces of audio, held until their words are out: where
    three quarters of it are full speech is cut. Pieces of 200 ms, 20 s of speech and 75 calls a partition fill 7,500.
    """
    max_attempts: Positive = 6
    """An event that has failed so often while as many others passed becomes a dead letter; while none pass, it is
    tried for ever.
    """
    backoff_s: Seconds = 0.5
    """Seconds before the second attempt; they double with each further one, and up to half of them is jitter."""
    backoff_max_s: Seconds = 30.0
    """The longest wait between two attempts, in seconds, unless a server asks for more (Retry-After)."""
    drain_s: Seconds = 30.0
    """Seconds that events at work get to finish after SIGTERM or SIGINT."""
    breaker_failures: Positive = 5
    """Failures of a dependency in a row, with nothing handled between, after which a worker pauses its partitions and
    asks with one event at a time whether it is back.
    """
    hold_s: Seconds = 60.0
    """Seconds without a further event of a call after which what is held of it (speech without an end) is let go."""
    stall_s: Seconds = 900.0
    """Seconds without progress, while events wait, after which `/healthz` fails; longer than the longest answer of an
    engine or a model takes.
    """
    http_host: str = "127.0.0.1"
    """Address that `/healthz`, `/readyz` and `/metrics` are served on; `0.0.0.0` in a container."""
    http_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Port of `/healthz`, `/readyz` and `/metrics`; 0 is a free one, which the log names. Not served where not set."""


class ClaimSettings(Group):
    """Messages too large for Kafka: their value lies in a file, the message says where (claim check)."""

    threshold_bytes: Positive = 512_000
    """A larger value, in bytes, goes by claim check; at least 16,384 below `CONVMINE_KAFKA_MAX_MESSAGE_BYTES`."""
    root: Path = Path.home() / ".local" / "share" / "convmine" / "claims"
    """Folder of the values; all workers of an installation, and who publishes, need the same one at the same path, such
    as a shared volume, and to run as one user.
    """


class AudioSettings(Group):
    """What recordings a worker accepts and from where."""

    allowed_roots: Paths = ()
    """Folders that `file://` recordings may lie in; with none, no local file is read."""
    allowed_hosts: Names = ()
    """Hosts that recordings may be downloaded from: `name` is a public host on its scheme's default port, `name:port`
    that port on any address, private ones too.
    """
    allowed_buckets: Names = ()
    """Buckets that `s3://bucket/key` recordings may lie in (extra `s3`); with none, no S3 server is asked."""
    s3_endpoint: str | None = None
    """Address of the S3 server, such as `http://localhost:9000`; where it is not set AWS_ENDPOINT_URL, else AWS."""
    s3_region: str | None = None
    """Region of the buckets; where it is not set AWS_DEFAULT_REGION, else that of the profile, else `us-east-1`."""
    s3_access_key: SecretStr | None = None
    """Key id for the S3 server; where it is not set boto3 looks: AWS_ACCESS_KEY_ID, profile, role of the machine."""
    s3_secret_key: SecretStr | None = None
    """The secret of that key."""
    s3_addressing: Literal["auto", "path", "host"] = "auto"
    """Where the bucket stands in an address: in its path or in its host; `auto` is the path with
    `CONVMINE_AUDIO_S3_ENDPOINT`, else the host.
    """
    max_bytes: Positive = 2_000_000_000
    """The largest recording, in bytes; ten hours of two channels of telephone speech have 576,000,000."""
    max_duration_s: Seconds = 4 * 3_600.0
    """The longest recording, in seconds."""
    arrival_deadline_s: Seconds = 600.0
    """Seconds after its event in which a recording may still arrive; then it is a dead letter."""
    fetch_timeout_s: Seconds = 600.0
    """Seconds that one download may take."""
    vad_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability of speech from which a frame of 32 ms counts as speech."""
    vad_hangover_ms: Positive = 400
    """A pause shorter than this, in milliseconds, does not end a span of speech."""
    max_span_s: Annotated[float, Field(gt=0, le=30)] = 20.0
    """A longer span of speech, in seconds, is cut where it is quietest. Whisper hears 30 s at once."""
    split_silence_s: Seconds = 60.0
    """Where nobody speaks for so many seconds, a recording of many conversations (`split` of its event) is cut."""
    partial_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    """While somebody speaks in a live call, every so many milliseconds the words so far are published; 0 is never."""
    idle_s: Seconds = 900.0
    """Seconds without audio after which a live call that nobody ended is taken for ended."""


class AsrSettings(Group):
    """Which engine turns speech into text."""

    engine: Literal["pocketsphinx", "whisper", "faster-whisper", "openai"] = "whisper"
    """The engine; `openai` is any server with `/v1/audio/transcriptions`. `convmine demo` takes pocketsphinx where
    this is not set.
    """
    model: str = "small"
    """Name of the model, or where a checkpoint (whisper) or folder (faster-whisper) lies; pocketsphinx has its own."""
    device: str = "auto"
    """Where whisper and faster-whisper compute: `auto`, `cpu` or `cuda`."""
    workers: Positive = 2
    """Processes of pocketsphinx."""
    batch: Positive = 8
    """Spans that whisper and faster-whisper decode in one pass, of whichever calls; or requests that are under way at
    the `openai` server.
    """
    batch_wait_ms: Annotated[int, Field(ge=0, le=1_000)] = 30
    """How long, in milliseconds, a span waits for others to be decoded with."""
    diariser: Annotated[str, Field(min_length=1, max_length=100)] = "none"
    """What tells several speakers on one channel apart: the name that an installed package gives its own in the entry
    point group `convmine.diarisers`; with `none` their role is unknown.
    """
    keep_from_s: Seconds = 600.0
    """Recordings of so many seconds and more keep what was decoded already, where the answers of language models are
    kept (`CONVMINE_LLM_CACHE`), so that a kill repeats a few spans and not all.
    """
    base_url: str | None = None
    """Address of the `openai` server up to `/v1`; where it is not set OPENAI_BASE_URL, else OpenAI's own."""
    api_key: SecretStr | None = None
    """Key of the `openai` server; one of your own may need none. OPENAI_API_KEY does not serve here."""
    timeout_s: Seconds = 60.0
    """Seconds that the `openai` server may take for one span."""


class PrivacySettings(Group):
    """What becomes of personal data."""

    hold_ms: Annotated[int, Field(ge=0, le=30_000)] = 3_000
    """How long, in milliseconds of the call, a segment of a live call that ends in the middle of a number is held back
    for the rest of it.
    """
    vault_key: SecretStr | None = None
    """Key (44 characters, of `convmine vault new-key`) that what was masked is kept under, to be shown to who may;
    without it nothing is kept. Card verification codes never are.
    """
    vault_path: Path = Path.home() / ".local" / "share" / "convmine" / "vault.sqlite"
    """File of the vault."""
    storage_keys: Secrets = ()
    """Keys that dead letters and stored audio are encrypted with: the first encrypts, all decrypt; parted by commas.
    Without one they are stored as they are.
    """


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


class StoreSettings(Group):
    """Qdrant: a server by ``url``, or local mode in the folder ``path``."""

    url: str | None = None
    """Address of a Qdrant server, such as `http://localhost:6333`; without it, local mode."""
    api_key: SecretStr | None = None
    """Key of the Qdrant server."""
    ca_file: Path | None = None
    """File (PEM) of the authorities that may have signed its certificate; without it, those of this machine."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "qdrant"
    """Folder of local mode; one process at a time can have it open."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=60)] = ""
    """Stands before the name of every collection, so that installations can share a server."""
    embedder: Literal["auto", "wordllama", "hashing", "openai", "sentence-transformers"] = "auto"
    """What makes vectors: wordllama (extra `local`), hashing of words and their parts, the `/v1/embeddings` of the
    group LLM's server, or a model of the extra `sentence-transformers`; `auto` is wordllama where it is installed, else
    hashing. All processes that share collections need the same one; `convmine store apply --re-embed` changes over.
    """
    embedder_model: str = "text-embedding-3-small"
    """Model of the embedder `openai`; of `sentence-transformers` a folder, or a name that was fetched before: nothing
    is downloaded.
    """
    quantise: bool = False
    """Keep the dense vectors as eight-bit numbers in memory, and themselves on disk: a quarter of the memory, and
    slightly other rankings. Of a server; `convmine store apply` changes collections that are there.
    """
    on_disk_payload: bool = True
    """Keep payloads on disk, but for the fields that can be filtered on. Of a server, and changed likewise."""
    timeout_s: Seconds = 30.0
    """Seconds that one request to Qdrant, or to the embedding server, may take."""
    gather_s: Annotated[float, Field(ge=0, le=10)] = 0.5
    """Seconds that what is heard of a live call waits, before it is stored, for what is heard of others, so that all of
    it goes in a few requests; with 0 it does not wait.
    """


class FlowSettings(Group):
    """What earlier calls did, as it is counted and shown to live ones."""

    half_life_days: Annotated[float, Field(gt=0)] = 90.0
    """Days after which a call counts half in what live calls are guided by."""
    version_every_s: Annotated[int, Field(ge=0)] = 86_400
    """Seconds of one version of the graph: live calls are guided by the newest that has been closed for as long again,
    so that a replay guides as the first run did. With 0, and as long as there is none, by the newest counts.
    """
    guidance: bool = True
    """Whether live calls are guided at all."""


class SuggestSettings(Group):
    """Which advice a live call gets, and how much of it."""

    apart_s: Annotated[float, Field(ge=0)] = 20.0
    """Seconds between two suggestions of a live call; urgent cards do not wait."""
    most: Positive = 5
    """The most suggestions of one call; urgent cards are not counted out."""
    explore: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the choices between several cards that goes to one of which little is known yet."""
    knowledge: bool = True
    """Whether a question that the knowledge base answers becomes a suggestion without a card."""
    phrasing: Literal["off", "llm"] = "off"
    """Whether a language model (the group LLM) ranks what fits and words it for the moment; what it says is checked
    against card and passages, and where that fails the card's own words stay.
    """
    phrasing_timeout_s: Seconds = 3.0
    """Seconds that the language model may take for it; then the card's own words go out."""


class CustomersSettings(Group):
    """What a CRM says of a customer, for the recap at the start of a call."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Address that is asked (GET), with `{tenant}` and `{customer}` in it; without it, nobody is asked."""
    key: SecretStr | None = None
    """Sent with it as a bearer token."""
    timeout_s: Seconds = 2.0
    """Seconds that it may take; then the recap goes without."""


class WebhooksSettings(Group):
    """Where suggestions and insights are sent besides."""

    file: Path | None = None
    """File (YAML) of the receivers: a list `webhooks:` of `{name, url, tenant, events, secret}`. It is read again when
    it changes.
    """
    timeout_s: Seconds = 15.0
    """Seconds that a receiver may take for one event."""
    give_up_s: Seconds = 600.0
    """Seconds for which an event that a receiver does not take is sent again; then it is a dead letter."""
    allow_private: bool = False
    """Whether receivers may have addresses of this machine or of private networks; those may do without https."""


class OidcSettings(Group):
    """Bearer tokens of an identity provider (OpenID Connect), beside API keys."""

    issuer: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """The issuer that tokens must name; without it no token is taken."""
    audience: str | None = None
    """The audience that tokens must name; needed with an issuer."""
    jwks_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """Where its keys are; where it is not set, the issuer's own description says."""
    tenant_claim: str = "tenant"
    """Claim that names the tenant."""
    roles_claim: str = "roles"
    """Claim with the scopes: a list, or a text parted by spaces, of publish, supervisor, analyst, admin, agent:ID. A
    claim inside another is written with a dot: `realm_access.roles`.
    """
    agent_claim: str | None = None
    """Claim with the agent's id, for who has the role `agent` without one."""
    leeway_s: Annotated[int, Field(ge=0, le=300)] = 30
    """Seconds by which clocks may differ."""


class GatewaySettings(Group):
    """The HTTP interface: where it is served, and where the command line finds it."""

    host: str = "127.0.0.1"
    """Address that it listens on; `0.0.0.0` in a container."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """Its port; 0 is a free one, which is printed."""
    keys: Path = Path.home() / ".local" / "share" / "convmine" / "keys.json"
    """File of the API keys, hashed, that `convmine keys new` writes; it is read again when it changes."""
    at_once: Positive = 64
    """Requests that are answered at the same time; further ones get 429 and Retry-After."""
    timeout_s: Seconds = 30.0
    """Seconds without any progress after which a request is given up."""
    key_per_minute: Positive = 30_000
    """Requests a minute that one key, or one person's session, may send to a process; more get 429 and Retry-After."""
    address_per_minute: Positive = 60_000
    """The same of one address, whatever it shows; of IPv6, of one network of 64 bits."""
    failures_per_minute: Positive = 30
    """Requests a minute without a valid key, signing in included, after which nobody new is let in from that address.
    """
    proxies: Names = ()
    """Networks of the proxies before the gateway and the dashboard, such as `10.0.0.0/8`, separated by commas: the
    address that they name in X-Forwarded-For is the one that is counted. Without it, theirs is, for all who come by it.
    """
    max_body_bytes: Positive = 1_000_000
    """The largest body of a request, in bytes; an uploaded recording may have `CONVMINE_AUDIO_MAX_BYTES`."""
    uploads: Path = Path.home() / ".local" / "share" / "convmine" / "uploads"
    """Folder of uploaded recordings, which the `asr` workers need at the same path, in `CONVMINE_AUDIO_ALLOWED_ROOTS`.
    """
    twilio_token: SecretStr | None = None
    """The auth token of the Twilio account whose Media Streams come in without a key: it signs them with it."""
    twilio_tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    """Tenant of the calls that Twilio has signed; where it is not set, `CONVMINE_TENANT`."""
    twilio_url: Annotated[str, Field(pattern=r"^wss://[^\s]+$")] | None = None
    """The address that Twilio was given (`<Stream url>`), which it signs; where it is not set, `wss://`, the name that
    Twilio asked for, and `/v1/adapters/twilio`.
    """
    streams_at_once: Positive = 5_000
    """Streams of suggestions, and calls coming in, that are open at the same time; further ones get 429."""
    ticket_secret: SecretStr | None = None
    """Signs the tickets with which pages open streams; the same for all gateways of an installation. Without it, each
    takes only the tickets that it made.
    """
    origins: Names = ()
    """Origins of pages that may ask the gateway from a browser, such as `https://desk.example`, separated by commas.
    """
    resume_s: Seconds = 900.0
    """Seconds back that a stream of suggestions can go on from where it broke off (Last-Event-ID)."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")] | None = None
    """Address of the gateway that the command line asks, such as `https://convmine.example`; without it, the store."""
    key: SecretStr | None = None
    """The API key that the command line shows to the gateway."""


class DashboardSettings(Group):
    """The pages for sellers, supervisors and analysts."""

    host: str = "127.0.0.1"
    """Address that they are served at; `0.0.0.0` in a container."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8090
    """Port; 0 is a free one, which is printed."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] | None = None
    """Address by which browsers reach them, such as `https://desk.example`; without it, the one that a request names.
    """
    secret: SecretStr | None = None
    """Signs sessions; the same for all dashboards of an installation. Without it, sessions end with the process."""
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    """Hours until somebody has to sign in again."""
    quiet_s: Seconds = 15.0
    """Seconds in which nobody speaks after which the floor shows a call as silent."""
    recordings: str | None = None
    """Where the recording of a call lies, such as `file:///srv/recordings/{tenant_id}/{call_id}.wav`; without it calls
    cannot be heard. `CONVMINE_AUDIO_ALLOWED_ROOTS`, `…_HOSTS` and `…_BUCKETS` allow the place, as they do for workers.
    """
    recordings_bytes: Positive = 2_000_000_000
    """Bytes of masked copies of recordings that are kept for ten minutes while people listen, in TMPDIR."""
    oidc_client_id: str | None = None
    """Name of the dashboard at the identity provider of `CONVMINE_OIDC_ISSUER`; with it people sign in there."""
    oidc_client_secret: SecretStr | None = None
    """Its secret there, where it has one."""


class AnalyticsSettings(Group):
    """What SQL is asked of: Parquet files of what is stored, kept up to date (the extra `analytics`)."""

    path: Path = Path.home() / ".local" / "share" / "convmine" / "analytics"
    """Folder with a folder for each tenant; on a disk of this machine."""
    overlap_s: Annotated[int, Field(ge=0)] = 30
    """Seconds before the last export that are looked at again: more than clocks of workers differ, and than a result
    takes to be written whole.
    """
    memory_mb: Annotated[int, Field(ge=64)] = 1_024
    """Megabytes of memory for one statement; what does not fit goes to a temporary folder, at most ten times as much.
    """
    threads: Positive = 2
    """Threads for one statement."""
    timeout_s: Seconds = 30.0
    """Seconds that one statement may take."""
    rows: Positive = 10_000
    """The most rows that one statement answers with."""
    at_once: Positive = 4
    """Statements that run at the same time; further ones wait."""


class AuditSettings(Group):
    """Who read or erased what, as it is written down."""

    place: Literal["sqlite", "qdrant", "off"] = "sqlite"
    """Where it is kept: a file of this machine, a collection that the machines of a fleet share, or nowhere."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "audit.sqlite"
    """File of the place `sqlite`."""
    required: bool = False
    """Whether nothing is answered that cannot be written down; otherwise there is a warning."""
    keep_days: Positive = 730
    """Days for which an entry is kept; rules of retention can only make it less."""


class RetentionSettings(Group):
    """How long what is stored is kept."""

    rules: Path | None = None
    """File of the rules (YAML) that `convmine retention` and the stage `index` go by: `rules:`, and a list such as
    `{kind: transcripts, tenant: acme, keep: 90d}`; without one what is stored stays. `index` then stores nothing of
    calls that are older.
    """


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


class ScenariosSettings(Group):
    """Scenarios of one's own, beside those that ship."""

    path: Path | None = None
    """Folder with a folder for each scenario; what is published with `convmine scenario push` goes before it."""


class TracingSettings(Group):
    """OpenTelemetry traces: one call across all stages. Off unless they are set; then the extra `tracing` is needed."""

    export: Literal["off", "otlp", "file"] = "off"
    """Where spans go: nowhere, to a collector (OTLP over HTTP), or into a file of JSON lines."""
    endpoint: str = "http://localhost:4318/v1/traces"
    """Address of the collector."""
    headers: NamedSecrets = ()
    """Headers that the collector is sent, as `name=value`, parted by commas. Their values are kept secret."""
    timeout_s: Seconds = 5.0
    """Seconds after which a batch of spans that does not arrive is given up; no event waits for it."""
    path: Path = Path.home() / ".local" / "share" / "convmine" / "spans.jsonl"
    """File of the export `file`, which is appended to."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How many of the traces that begin in this process are kept, 0 to 1; those that come in are kept or not as they
    were where they began.
    """
    service: str = "convmine"
    """Name of this process in traces (`service.name`), such as `convmine-extract`."""
    queue: Positive = 8_192
    """Spans that may wait for their export; what finds no room is dropped and counted."""
    show_calls: bool = False
    """Whether spans of events name their call, by a digest of tenant and call id (`convmine.call`)."""

    @property
    def header_values(self) -> dict[str, str]:
        """The headers by name, with what they hold."""
        return dict(header.get_secret_value().split("=", 1) for header in self.headers)


class LogSettings(Group):
    """How much is logged, and for whom."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on is logged, on standard error; `convmine demo` logs errors alone where this is `info`."""
    format: Literal["auto", "json", "console"] = "auto"
    """JSON lines, or lines for people; `auto` is lines for people on a terminal, else JSON."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "default"
    """Whose calls the commands publish and show, and whose knowledge bases the index stage stores from its start; those
    of others when their scenarios change.
    """
    kafka: KafkaSettings = KafkaSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    claims: ClaimSettings = ClaimSettings()
    audio: AudioSettings = AudioSettings()
    asr: AsrSettings = AsrSettings()
    privacy: PrivacySettings = PrivacySettings()
    extract: ExtractSettings = ExtractSettings()
    llm: LlmSettings = LlmSettings()
    budget: BudgetSettings = BudgetSettings()
    store: StoreSettings = StoreSettings()
    flow: FlowSettings = FlowSettings()
    suggest: SuggestSettings = SuggestSettings()
    customers: CustomersSettings = CustomersSettings()
    webhooks: WebhooksSettings = WebhooksSettings()
    gateway: GatewaySettings = GatewaySettings()
    dashboard: DashboardSettings = DashboardSettings()
    oidc: OidcSettings = OidcSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    audit: AuditSettings = AuditSettings()
    retention: RetentionSettings = RetentionSettings()
    workbench: WorkbenchSettings = WorkbenchSettings()
    scenarios: ScenariosSettings = ScenariosSettings()
    tracing: TracingSettings = TracingSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _what_is_not_claimed_fits_into_a_record(self) -> Self:
        most = self.kafka.max_message_bytes - _HEADERS_ROOM
        if self.claims.threshold_bytes > most:
            # Of two groups at once: pydantic could not say which setting is meant.
            raise Config(
                f"{PREFIX}CLAIMS_THRESHOLD_BYTES",
                f"is {self.claims.threshold_bytes}, may be at most {most}",
                hint=f"{PREFIX}KAFKA_MAX_MESSAGE_BYTES is {self.kafka.max_message_bytes}: what lies between would "
                "neither go by claim check nor fit into a message",
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then our variables and the files of secrets that they name, then those of other tools."""
        del dotenv_settings, file_secret_settings
        if isinstance(env_settings, EnvSettingsSource):  # it read them when it was made
            env_settings.env_vars = _variables(os.environ, settings_cls)
        return init_settings, env_settings, InitSettingsSource(settings_cls, _shared_variables(os.environ))


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        Config: a variable is unknown or holds what it must not; the message names it and what is expected.
    """
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in _SCRIPTS:
            _refuse_unknown(variable)
    try:
        return Settings()
    except SettingsError as error:
        raise Config(f"{PREFIX}*", str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Config(_variable(first["loc"]), first["msg"]) from None


def _variables(environ: Mapping[str, str], settings: type[BaseModel]) -> dict[str, str]:
    """Our variables, as pydantic-settings spells them; in place of the files of secrets, what stands in them."""
    secrets = frozenset(secret_variables(settings, PREFIX))
    files = {name + SUFFIX for name in secrets}
    found = {name: value for name, value in environ.items() if name not in files} | from_files(environ, secrets)
    return {name.lower(): value for name, value in found.items()}


def _shared_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, dict[str, str]] = {}
    for variable, (group, name) in SHARED.items():
        if environ.get(variable):
            values.setdefault(group, {})[name] = environ[variable]
    return values


def _refuse_unknown(variable: str) -> None:
    if variable.endswith(SUFFIX) and variable.removesuffix(SUFFIX) in secret_variables(Settings, PREFIX):
        return
    group, _, name = variable.removeprefix(PREFIX).lower().partition("_")
    field = Settings.model_fields.get(group)
    if (
        field is not None
        and isinstance(field.default, Group) == bool(name)
        and (not isinstance(field.default, Group) or name in type(field.default).model_fields)
    ):
        return
    raise Config(variable, "is no setting of convmine", hint="docs/configuration.md lists them")


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + "_".join(str(part).upper() for part in location[:2])
