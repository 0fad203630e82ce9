"""Embeddings that are always the same for the same text, and near for texts that share words."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workers.fake_llm.question import NotAQuestion, tokens_of

_DIMENSION: Final = 256
_WORD: Final = re.compile(r"[a-z0-9]+|[^\W\d_a-z]")


def embedded(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The body that answers an embeddings request.

    Raises:
        NotAQuestion: it names no model, or what to embed is neither a text nor a list of texts.
    """
    given = asked.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or "model" not in asked:
        raise NotAQuestion("the body must have 'model' and 'input', a text or a list of texts")
    vectors = _vectors(texts, int(asked.get("dimensions") or _DIMENSION))
    as_text = asked.get("encoding_format") == "base64"
    tokens = sum(tokens_of(text) for text in texts)
    return {
        "object": "list",
        "model": asked["model"],
        "data": [
            {"object": "embedding", "index": index, "embedding": _base64(row) if as_text else row.tolist()}
            for index, row in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _vectors(texts: Sequence[str], dimension: int) -> npt.NDArray[np.float32]:
    """Unit rows: each word of a text adds or subtracts one at a place that its hash names (feature hashing)."""
    rows = np.zeros((len(texts), dimension), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in _WORD.findall(text.lower()) or [text]:
            number = int.from_bytes(sha256(word.encode()).digest()[:8], "big")
            row[number % dimension] += 1.0 if number >> 63 else -1.0
        if not row.any():
            row[0] = 1.0
    scaled: npt.NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def _base64(row: npt.NDArray[np.float32]) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode()
