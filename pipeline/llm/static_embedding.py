"""A static word-piece embedding read from the files of the ``wordllama`` package, without importing it.

The package's own loader takes seconds and may reach for the network; its two files are all that is needed. The method
is the package's: the mean of the pieces' rows, scaled to length 1 (wordllama 0.4, ``l2_supercat``, 256 dimensions).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import Config

_WEIGHTS: Final = "weights/l2_supercat_256.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_HINT: Final = "pip install 'convmine[local]'"


def installed() -> bool:
    """Whether the embedding's files are here."""
    folder = _package()
    return folder is not None and (folder / _WEIGHTS).is_file() and (folder / _TOKENIZER).is_file()


class StaticEmbedding:
    """Texts to unit vectors; a text without any known piece gives a zero row.

    Raises:
        Config: wordllama is not installed or carries other files than expected.
    """

    name: Final = "wordllama-l2-supercat-256"
    dimension: Final = 256

    def __init__(self) -> None:
        if not installed():
            raise Config("CONVMINE_STORE_EMBEDDER", "the static embedding needs the package wordllama", hint=_HINT)
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        folder = _package()
        assert folder is not None
        self._rows: npt.NDArray[np.float32] = load_file(folder / _WEIGHTS)["embedding.weight"].astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of shape (texts, 256), each of length 1 or 0."""
        sums = self.sums(texts)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        np.divide(sums, norms, out=sums, where=norms > 0)
        return sums

    def sums(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As ``encode``, but not scaled: the sums of the words of a text, taken one by one, add up to that of the text.

        That is so because the tokenizer's pieces never reach over a space.
        """
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        if not encodings:
            return np.zeros((0, self.dimension), np.float32)
        lengths = np.array([len(encoding.ids) for encoding in encodings])
        ids = np.concatenate([np.asarray(encoding.ids, np.int64) for encoding in encodings])
        sums = np.zeros((len(encodings), self.dimension), np.float32)
        np.add.at(sums, np.repeat(np.arange(len(encodings)), lengths), self._rows[ids])
        return sums


def _package() -> Path | None:
    spec = importlib.util.find_spec("wordllama")
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None
