"""Chat through the ``openai`` client, with any server that speaks its protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.dependencies import answered
from pipeline.errors import Config, Retryable
from pipeline.llm.openai_complaints import About, complaint
from pipeline.llm.openai_completion import completed, well_formed, withheld
from pipeline.llm.openai_dialect import Dialect
from pipeline.llm.openai_errors import Service, translated
from pipeline.llm.pace import heard
from pipeline.ports import ChatAnswer, ChatRequest
from pipeline.settings import OPENAI_URL, LlmSettings

if TYPE_CHECKING:
    import httpx
    import openai

# Servers of one's own need no key, but the client insists on one; it is not sent.
_NO_KEY: Final = "none"
# A server that was made to take more, by an upgrade or another model, is found out after so long.
_BELIEVED_S: Final = 3_600.0


class OpenAIChat:
    """A ``ChatModel`` over HTTP. The client itself never tries again: that is the runtime's business.

    A server that refuses a format or a parameter is asked in the next best way, which is kept to for an hour once it
    has worked.

    Args:
        model: the model's name, as the server knows it.
        base_url: the server up to ``/v1``; OpenAI's own without it.
        api_key: the server's key; without one no ``Authorization`` is sent.
        timeout_s: how long one answer may take.
        headers: sent with every request, such as ``api-key`` to Azure.
        query: added to every address, such as ``api-version`` for Azure.
        clock: seconds that never go back.

    Raises:
        Config: no key, server or header is set.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        model: str,
        *,
        base_url: str | None,
        api_key: str | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from openai import AsyncOpenAI, DefaultAioHttpClient, Omit

        if base_url is None and api_key is None and not headers:
            raise Config("CONVMINE_LLM_API_KEY", "a language model needs a key", hint="or set CONVMINE_LLM_BASE_URL")
        self._client = AsyncOpenAI(
            base_url=base_url or OPENAI_URL,
            api_key=api_key or _NO_KEY,
            timeout=None,
            max_retries=0,
            # Takes half the CPU time of the default one.
            http_client=DefaultAioHttpClient(event_hooks={"response": [_tell_pace]}),
            default_headers=dict(headers or {}),
            default_query=dict(query or {}),
        )
        keyed = api_key is not None or any(name.lower() == "authorization" for name in headers or {})
        self._left_out: dict[str, Any] = {} if keyed else {"Authorization": Omit()}
        self._model = model
        self._service = Service(
            title="the model's server",
            dependency="llm",
            model=model,
            key_variable="CONVMINE_LLM_API_KEY",
            model_variable="CONVMINE_LLM_MODEL",
            url_variable="CONVMINE_LLM_BASE_URL",
        )
        self._timeout_s = timeout_s
        self._clock = clock
        self._dialect, self._learned_s = Dialect(), clock()

    @classmethod
    def of(cls, settings: LlmSettings) -> Self:
        """The model that the settings name."""
        return cls(
            settings.model,
            base_url=settings.base_url,
            api_key=None if settings.api_key is None else settings.api_key.get_secret_value(),
            timeout_s=settings.timeout_s,
            headers=settings.header_values,
            query=settings.query_values,
        )

    @property
    def name(self) -> str:
        return self._model

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        """Ask once.

        Raises:
            Retryable: the server is away, slow or busy; carries the wait that it asked for.
            Withheld: the request is too long for the model, or the server's content filter refuses it.
            Poison: the server refuses the request for good.
            Config: the server refuses the key or does not have the model.
        """
        import aiohttp
        import openai

        service = replace(self._service, model=request.model or self._model)
        try:
            answer = await self._answered(request)
        except openai.APIStatusError as error:
            held = complaint(error.status_code, error.body)
            raise withheld(held) or translated(error, service) from error
        except openai.OpenAIError as error:
            raise translated(error, service) from error
        except TimeoutError as error:
            late = f"{self._service.title} at {self._client.base_url} gave no answer in {self._timeout_s:g} s"
            raise Retryable(late, dependency="llm") from error
        except aiohttp.ClientError as error:  # what the client's transport does not translate, as of a head too long
            raise Retryable(f"the model's server answered what cannot be read: {error}", dependency="llm") from error
        answered(self._service.dependency)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _answered(self, request: ChatRequest) -> ChatAnswer:
        import openai

        dialect, model = self._known(), request.model or self._model
        refused: openai.APIStatusError | None = None
        while True:
            try:
                # The client's own limit would be for each read: a server may send a byte now and then.
                async with asyncio.timeout(self._timeout_s):
                    body = await self._client.post(
                        "/chat/completions",
                        body={"model": model, **dialect.arguments(request)},
                        cast_to=bytes,
                        options={"headers": self._left_out},
                    )
            except openai.APIStatusError as error:
                held = complaint(error.status_code, error.body)
                if held is not None and held.about is About.ANSWER:
                    return ChatAnswer(well_formed(held.generated), model, "stop")
                following = None if held is None else dialect.after(held.about)
                if following is None:
                    # Where every way of asking is refused and nobody says why, the first refusal is nearest to it.
                    raise (refused if held and held.about is About.UNKNOWN and refused else error) from None
                refused, dialect = refused or error, following
            else:
                answer = completed(body, model=model)
                self._learn(dialect)
                return answer

    def _known(self) -> Dialect:
        if self._clock() - self._learned_s > _BELIEVED_S:
            self._dialect = Dialect()
        return self._dialect

    def _learn(self, dialect: Dialect) -> None:
        if dialect != self._dialect:
            self._dialect, self._learned_s = dialect, self._clock()


async def _tell_pace(response: httpx.Response) -> None:
    """What the server says of its limits stands in the headers of every answer, also of a refusal."""
    heard(response.status_code, response.headers)
