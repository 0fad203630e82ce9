"""Embedders by name: text to unit vectors, here, by word alone, or by an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from pipeline.dependencies import answered
from pipeline.errors import Config, Retryable
from pipeline.llm.openai_errors import Service, translated
from pipeline.ports import Embedder, Vectors
from pipeline.settings import OPENAI_URL

if TYPE_CHECKING:
    import openai

_WORDS: Final = re.compile(r"[^\W_]+")
_MAX_INPUTS: Final = 2_048  # of one request to /v1/embeddings, as the OpenAI API limits it


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """What a remote embedder needs to be told; local ones need nothing."""

    model: str = "text-embedding-3-small"
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)


def make_embedder(name: str, options: EmbedderOptions | None = None) -> Embedder:
    """The embedder of this name.

    Raises:
        Config: there is none of this name, or what it needs is not installed or not set.
    """
    make = EMBEDDERS.get(name)
    if make is None:
        raise Config("CONVMINE_STORE_EMBEDDER", f"{name!r} is unknown, expected one of {', '.join(sorted(EMBEDDERS))}")
    return make(options or EmbedderOptions())


class _Encoder(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors: ...


class InThread:
    """An encoder that computes here, kept off the event loop."""

    def __init__(self, encoder: _Encoder) -> None:
        self._encoder = encoder

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self._encoder.encode, texts)

    async def close(self) -> None:
        """Nothing is held open."""


class HashingEncoder:
    """Signed feature hashing of words and their character 3- to 5-grams; Chinese text gives its 1- to 3-grams.

    It knows spelling and no meaning: "cheap" is near "cheaper" and far from "low price". It is for machines without the
    extra ``[local]``. Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
    """

    name: Final = "hashing-v1"
    dimension: Final = 384

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature, weight in _features(text):
                place, sign = _hashed(feature, self.dimension)
                row[place] += sign * weight
        return _unit(rows)


class OpenAIEmbedder:
    """Any server with ``/v1/embeddings``; ``dimension`` is 0 until the first answer has told it."""

    def __init__(self, options: EmbedderOptions) -> None:
        self._options = options
        self._client: openai.AsyncOpenAI | None = None
        self._dimension = 0

    @property
    def name(self) -> str:
        return f"openai:{self._options.model}"

    @property
    def dimension(self) -> int:
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts.

        Raises:
            Retryable: the server is away, busy or slow.
            Poison: the server refuses these texts.
            Config: the key or the model's name is wrong.
        """
        parts = [await self._embed(texts[at : at + _MAX_INPUTS]) for at in range(0, len(texts), _MAX_INPUTS)]
        rows = np.concatenate(parts) if parts else np.zeros((0, self._dimension), dtype=np.float32)
        return _unit(rows)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        import openai

        try:
            # The API refuses an empty text, and one space means as little.
            answer = await self._connected().embeddings.create(
                model=self._options.model, input=[text or " " for text in texts], encoding_format="float"
            )
        except openai.OpenAIError as error:
            raise translated(error, _service(self._options)) from error
        rows = np.array([item.embedding for item in sorted(answer.data, key=lambda item: item.index)], dtype=np.float32)
        if rows.ndim != 2 or len(rows) != len(texts):  # noqa: PLR2004 - texts by dimensions
            raise Retryable(f"the embedding server gave {len(rows)} vectors for {len(texts)} texts", dependency="llm")
        self._dimension = rows.shape[1]
        answered("llm")
        return rows

    def _connected(self) -> openai.AsyncOpenAI:
        if self._client is None:
            import openai

            self._client = openai.AsyncOpenAI(
                base_url=self._options.base_url or OPENAI_URL,
                api_key=self._options.api_key or "none",
                timeout=self._options.timeout_s,
                default_headers=dict(self._options.headers),
                default_query=dict(self._options.query),
                max_retries=0,  # the runtime tries again, with its own backoff
            )
        return self._client


def _service(options: EmbedderOptions) -> Service:
    return Service(
        title="the embedding server",
        dependency="llm",
        model=options.model,
        key_variable="CONVMINE_LLM_API_KEY",
        model_variable="CONVMINE_STORE_EMBEDDER_MODEL",
        url_variable="CONVMINE_LLM_BASE_URL",
    )


def _wordllama() -> Embedder:
    from pipeline.llm.static_embedding import StaticEmbedding

    return InThread(StaticEmbedding())


def _best_here(options: EmbedderOptions) -> Embedder:
    from pipeline.llm.static_embedding import installed

    return EMBEDDERS["wordllama" if installed() else "hashing"](options)


# The name of an embedder begins with the one it has here, so that a stamp on a collection tells what to set.
EMBEDDERS: Final[Mapping[str, Callable[[EmbedderOptions], Embedder]]] = {
    "auto": _best_here,
    "wordllama": lambda _: _wordllama(),
    "hashing": lambda _: InThread(HashingEncoder()),
    "openai": OpenAIEmbedder,
}


def _unit(rows: Vectors) -> Vectors:
    """Rows of length 1; a row of zeros stays one."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(norms > 0, norms, 1.0)).astype(np.float32)


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORDS.findall(text.casefold()):
        alphabetic = word.isascii() or not any("\u3400" <= letter <= "\u9fff" for letter in word)
        if alphabetic:
            yield f"w:{word}", 1.0
            yield from ((f"g:{gram}", 0.3) for gram in _grams(f"<{word}>", 3, 5))
        else:
            yield from ((f"h:{gram}", 1.0) for gram in _grams(word, 1, 3))


def _grams(text: str, shortest: int, longest: int) -> Iterator[str]:
    for length in range(shortest, longest + 1):
        yield from (text[at : at + length] for at in range(len(text) - length + 1))


@lru_cache(maxsize=65_536)
def _hashed(feature: str, dimension: int) -> tuple[int, int]:
    digest = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "big")
    return (digest >> 1) % dimension, 1 if digest & 1 else -1
