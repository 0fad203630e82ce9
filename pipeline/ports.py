"""What stages need from the outside, as protocols; fakes that keep the same promises are in ``pipeline.testing``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Speech:
    """One stretch of speech: mono samples in -1..1 at ``sample_rate_hz``, and the language where it is known.

    ``vocabulary`` are words that are likely in it, such as product names. A ``hurried`` one is of a live call, and goes
    before others.
    """

    samples: Samples
    sample_rate_hz: int
    language: str | None = None
    vocabulary: tuple[str, ...] = ()
    hurried: bool = False


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One word, and when it was said, in ms from the start of its stretch."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine made of one stretch; empty text where it heard no words.

    ``words`` are there where the engine can tell their times. ``cut`` says why words that were heard were taken for
    phantoms and left out (``repetition``).
    """

    text: str
    confidence: float | None = None
    language: str | None = None
    words: tuple[TimedWord, ...] = ()
    cut: str | None = None


class AsrEngine(Protocol):
    """Speech recognition.

    ``recognise`` takes many stretches at once, answers in their order, and never blocks the event loop.

    Raises:
        Retryable: the engine's server or device is away.
        Poison: the engine refuses this audio for good.
        Config: the engine's server refuses the key or does not have the model.
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int: ...

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """One of several speakers on one channel, numbered from 0 in order of appearance, from when to when in ms."""

    speaker: int
    start_ms: int
    end_ms: int


class Diariser(Protocol):
    """Tells several speakers on one channel apart; its turns are in order and do not overlap.

    Raises:
        Retryable: its server or device is away.
        Poison: it refuses this audio.
    """

    @property
    def name(self) -> str: ...

    async def turns(self, samples: Samples, sample_rate_hz: int) -> list[SpeakerTurn]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """Where a recording lies, and what its bytes must hash to."""

    uri: str
    sha256: str | None = None


class AudioStore(Protocol):
    """Brings a claimed recording to a local file for as long as the context is open.

    Raises:
        Retryable: it is not there yet, or the store is away.
        Poison: the URI is not allowed, the file is too large, or its hash differs.
    """

    def fetch(self, claim: ClaimCheck) -> AbstractAsyncContextManager[Path]: ...


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message to a chat model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Account:
    """What a request is paid for: the counters, the budget and ``convmine cost`` tell requests apart by it."""

    tenant_id: str = ""
    call_id: str = ""
    stage: str = ""
    scenario: str = ""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a chat model is asked; ``json_schema`` is the shape that the answer must have (JSON Schema).

    ``model`` is asked instead of the one that the settings name, on the same server. ``prompt_version`` and ``account``
    are not sent. The first tells apart answers that were asked for with two versions of a prompt; the second says who
    pays, and an answer does not depend on it.
    """

    messages: tuple[ChatMessage, ...]
    json_schema: Mapping[str, Any]
    schema_name: str
    temperature: float = 0.0
    max_tokens: int = 2_000
    prompt_version: str = ""
    account: Account = Account()
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What it said, and what that took in tokens.

    An answer may be no use and still have been paid for: ``text`` is empty where the model said nothing, ``refusal``
    are its words where it refuses, and ``finish_reason`` is ``length`` where it was cut off, ``content_filter`` where
    it was withheld. ``cached_tokens`` are those of the input that the server had at hand, which may cost less.
    """

    text: str
    model: str
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    refusal: str | None = None
    cached_tokens: int = 0


class ChatModel(Protocol):
    """A large language model behind a chat interface.

    Raises:
        Retryable: rate limit, overload, time-out or a server that is away.
        Poison: the server refuses this request for good.
        Config: the key or the model's name is wrong.
    """

    @property
    def name(self) -> str: ...

    async def answer(self, request: ChatRequest) -> ChatAnswer: ...

    async def close(self) -> None: ...


class Meter(Protocol):
    """Where the domain's own figures go, by the names of ``docs/metrics.md``; never a label that is a call."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add a value to a histogram."""


class Embedder(Protocol):
    """Texts to unit vectors, float32 of shape (texts, dimension)."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Vectors: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Point:
    """Something to store and to find again: its text is searched by meaning and by word, its payload is filtered on."""

    id: str
    text: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    """A filter: each ``equal`` field has this value or one of these, no ``unequal`` field has; ranges are half open.

    ``also`` are filters that must match besides, as where a list has one of these values and one of those.
    """

    equal: Mapping[str, str | int | bool | Sequence[str]] = field(default_factory=dict)
    unequal: Mapping[str, str | int | bool | Sequence[str]] = field(default_factory=dict)
    at_least: Mapping[str, float] = field(default_factory=dict)
    below: Mapping[str, float] = field(default_factory=dict)
    also: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored point as it was found; ``score`` only compares hits of one search.

    ``cosine`` is how near its text is to the text asked for in meaning, -1 to 1, where a search was asked to tell it.
    """

    id: str
    payload: Mapping[str, Any]
    score: float = 0.0
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Of a page, by a number of the payload; points without it are left out."""

    field: str
    descending: bool = False


class VectorStore(Protocol):
    """Collections of points; the id of a point is a UUID, and writing a point again overwrites it.

    Raises:
        Retryable: the store is away.
        Config: a collection was made with another embedder.
    """

    async def prepare(self) -> None:
        """Create what is missing and check that the embedder is the one the collections were made with."""

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        """Write points; where ``over`` is given, one that is there already is only overwritten if it matches that."""

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]: ...

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        """Delete what matches, except the points with the ids to keep."""

    async def search(
        self, collection: str, text: str, where: Where, limit: int, *, with_cosine: bool = False
    ) -> list[Hit]:
        """By meaning and by word, fused; best first. Its score compares hits of one search, a cosine those of any."""

    async def similar(self, collection: str, ids: Sequence[str], where: Where, limit: int) -> list[Hit]:
        """Nearest in meaning to stored points, which are left out themselves; best first, ``score`` is the cosine.

        An id that is not there is passed over; where none is, nothing is similar.
        """

    async def page(  # noqa: PLR0913 - one argument an option
        self,
        collection: str,
        where: Where,
        limit: int,
        after: str | None = None,
        *,
        order: Order | None = None,
        fields: Sequence[str] | None = None,
    ) -> tuple[list[Hit], str | None]:
        """In the order of ids, or as asked, with the mark to go on from, or None at the end.

        Where ``fields`` are given, only those are read of the payloads.
        """

    async def count(self, collection: str, where: Where) -> int: ...

    async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
        """The values of a keyword or whole-number field, each with how many points have it; most frequent first.

        A value of a list counts by itself, once a point.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a stage remembers of a call after the event at ``offset``; ``value`` means nothing to who keeps it."""

    offset: int
    value: bytes


class CustomerContext(Protocol):
    """What others know of a customer, by the pseudonymous id: lines of name and value, as they are shown.

    Raises:
        Retryable: it is away, or too slow.
        Poison: it answers what cannot be read.
    """

    async def of(self, tenant_id: str, customer_id: str) -> Sequence[tuple[str, str]]: ...

    async def close(self) -> None: ...


class CallState(Protocol):
    """Keeps what a stage remembers of each call, by the partition that the call's events come from.

    Of two values of one call the one with the higher offset counts, so that a worker that was left behind, and writes
    when it wakes up, takes no call back.

    Raises:
        Retryable: what keeps it is away.
    """

    async def load(self, partition: int, key: str) -> Remembered | None: ...

    async def save(self, partition: int, key: str, state: Remembered) -> None:
        """Keep it; returns when it will survive a kill."""

    async def drop(self, key: str) -> None:
        """Forget a call for good, wherever it was read so far; returns when that will survive a kill."""

    def forget(self, partition: int) -> None:
        """The partition is somebody else's now: what comes next is read afresh."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A valid answer of a chat model, and what it took to get it: re-asks, and the tokens of all requests together."""

    text: str
    model: str
    finish_reason: str
    reasks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class ResponseCache(Protocol):
    """Keeps valid answers of chat models for some days, so that asking the same again costs nothing.

    The first answer under a key stays: two workers that ask at the same time, or one that was frozen and writes when it
    wakes up, end with the same answer.

    Raises:
        Retryable: what keeps the answers is away or cannot be written. Those of ``pipeline.llm.caches`` raise in
            ``remove`` and ``expire`` alone; for ``get`` and ``put`` they take it as nothing kept.
    """

    async def get(self, key: str) -> KeptAnswer | None: ...

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        """Keep it, unless there is one, and return the one that is kept.

        ``subject`` is whose words it was made of (``tenant:call``).
        """

    async def remove(self, subject: str) -> int:
        """Delete what is kept of a subject; returns when it is gone, and how many answers that were."""

    async def expire(self, older_than_s: float) -> int:
        """Delete the answers that were kept longer ago than this; says how many those were."""

    async def close(self) -> None: ...


class BlobStore(Protocol):
    """Keeps values that are too large for a message.

    A name is segments (``pipeline.blobs.names.segment_of``) parted by ``/``. What ``put`` has returned survives a
    kill and is there, whole, for every other process.

    Raises:
        Retryable: the store is away, full or refuses us; the dependency is ``claims``.
        Poison: the name or the URI is not allowed, the value is too large or is gone for good.
    """

    async def put(self, name: str, data: bytes) -> str:
        """Keep the value, and say under which URI; the same value under the same name again only renews its age."""

    async def get(self, uri: str) -> bytes: ...

    async def remove(self, prefix: str) -> int:
        """Delete the value of this name, or all below it, and say how many; ``a/b`` is not the prefix of ``a/bc``."""

    async def expire(self, older_than_s: float) -> int:
        """Delete what was last put longer ago than this; how many values that were."""
