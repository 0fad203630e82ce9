"""The embedder ``sentence-transformers``: a model of this machine's disk, loaded at its first use.

Nothing is downloaded: a model is a folder, or a name that is in the cache of the Hugging Face hub already.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.errors import Config
from pipeline.ports import Vectors
from pipeline.store.embedding.options import unit_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH: Final = 32
"""Texts that the model computes at a time."""


class SentenceEncoder:
    """Texts to unit vectors by a model of sentence-transformers; ``dimension`` is 0 until it is loaded.

    Raises:
        Config: the package is not installed; or, at the first use, the model cannot be loaded.
    """

    def __init__(self, model: str) -> None:
        if find_spec("sentence_transformers") is None:
            raise Config(
                "CONVMINE_STORE_EMBEDDER",
                "'sentence-transformers' is not installed",
                hint="pip install 'convmine[sentence-transformers]'",
            )
        self.name: Final = f"sentence-transformers:{model}"
        self.dimension = 0
        self._model = model
        self._loaded: SentenceTransformer | None = None
        self._turn = Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (texts, dimension); one call after the other, as the model takes all cores by itself."""
        with self._turn:
            model = self._load()
            if not texts:
                return np.zeros((0, self.dimension), dtype=np.float32)
            rows = model.encode(list(texts), batch_size=_BATCH, convert_to_numpy=True, show_progress_bar=False)
        return unit_rows(np.asarray(rows, dtype=np.float32))

    def _load(self) -> SentenceTransformer:
        if self._loaded is None:
            from sentence_transformers import SentenceTransformer

            try:
                self._loaded = SentenceTransformer(self._model, local_files_only=True)
            except Exception as error:  # the loaders of a dozen formats raise whatever they like
                raise Config(
                    "CONVMINE_STORE_EMBEDDER_MODEL",
                    f"the model {self._model!r} cannot be loaded: {_first_line(error)}",
                    hint=f"name the folder of a model, or fetch one once: hf download {self._model}",
                ) from error
            self.dimension = self._loaded.get_embedding_dimension() or 0
        return self._loaded


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
