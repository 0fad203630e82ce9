"""Embedders by name, and the two simplest: one that runs in a thread, and one that knows spelling alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, Protocol

import numpy as np

from pipeline.errors import Config
from pipeline.ports import Embedder, Vectors
from pipeline.store.embedding.options import EmbedderOptions, unit_rows

_WORDS: Final = re.compile(r"[^\W_]+")


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
        return unit_rows(rows)


def _wordllama() -> Embedder:
    from pipeline.llm.static_embedding import StaticEmbedding

    return InThread(StaticEmbedding())


def _openai(options: EmbedderOptions) -> Embedder:
    from pipeline.store.embedding.openai_compatible import OpenAIEmbedder

    return OpenAIEmbedder(options)


def _sentence_transformers(options: EmbedderOptions) -> Embedder:
    from pipeline.store.embedding.transformers import SentenceEncoder

    return InThread(SentenceEncoder(options.model))


def _best_here(options: EmbedderOptions) -> Embedder:
    from pipeline.llm.static_embedding import installed

    return EMBEDDERS["wordllama" if installed() else "hashing"](options)


# The name of an embedder begins with the one it has here, so that a stamp on a collection tells what to set.
EMBEDDERS: Final[Mapping[str, Callable[[EmbedderOptions], Embedder]]] = {
    "auto": _best_here,
    "wordllama": lambda _: _wordllama(),
    "hashing": lambda _: InThread(HashingEncoder()),
    "openai": _openai,
    "sentence-transformers": _sentence_transformers,
}


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
