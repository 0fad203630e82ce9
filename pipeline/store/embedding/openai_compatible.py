"""The embedder on a server: any with an OpenAI-compatible ``/v1/embeddings``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.dependencies import answered
from pipeline.errors import Retryable
from pipeline.llm.openai_errors import Service, translated
from pipeline.ports import Vectors
from pipeline.settings import OPENAI_URL
from pipeline.store.embedding.options import EmbedderOptions, unit_rows

if TYPE_CHECKING:
    import openai

_MAX_INPUTS: Final = 2_048  # of one request to /v1/embeddings, as the OpenAI API limits it


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
        return unit_rows(rows)

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
