"""Chat through the ``openai`` client, with any server that speaks its protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.dependencies import answered
from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.llm.openai_complaints import About, Complaint, complaint
from pipeline.llm.openai_dialect import Dialect
from pipeline.llm.openai_errors import Service, translated
from pipeline.llm.pace import heard
from pipeline.llm.withheld import Why, Withheld
from pipeline.ports import ChatAnswer, ChatRequest
from pipeline.settings import OPENAI_URL, LlmSettings

if TYPE_CHECKING:
    import httpx
    import openai
    from openai.types.chat import ChatCompletion

# Servers of one's own need no key, but the client insists on one; it is not sent.
_NO_KEY: Final = "none"
# A server that was made to take more, by an upgrade or another model, is found out after so long.
_BELIEVED_S: Final = 3_600.0
_SHOWN: Final = 300


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
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

        if base_url is None and api_key is None and not headers:
            raise Config("CONVMINE_LLM_API_KEY", "a language model needs a key", hint="or set CONVMINE_LLM_BASE_URL")
        self._client = AsyncOpenAI(
            base_url=base_url or OPENAI_URL,
            api_key=api_key or _NO_KEY,
            timeout=None,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(event_hooks={"response": [_tell_pace]}),
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
            headers=dict(header.get_secret_value().split("=", 1) for header in settings.headers),
            query=dict(part.split("=", 1) for part in settings.query),
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
        import openai

        try:
            answer = await self._answered(request)
        except openai.APIStatusError as error:
            held = complaint(error.status_code, error.body)
            raise _withheld(held) or translated(error, self._service) from error
        except openai.OpenAIError as error:
            raise translated(error, self._service) from error
        except TimeoutError as error:
            late = f"{self._service.title} at {self._client.base_url} gave no answer in {self._timeout_s:g} s"
            raise Retryable(late, dependency="llm") from error
        except ValueError as error:  # a body that is no JSON
            raise Retryable(f"the model's server answered what cannot be read: {error}", dependency="llm") from error
        answered(self._service.dependency)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _answered(self, request: ChatRequest) -> ChatAnswer:
        import openai

        dialect = self._known()
        refused: openai.APIStatusError | None = None
        while True:
            try:
                # The client's own limit would be for each read: a server may send a byte now and then.
                async with asyncio.timeout(self._timeout_s):
                    completion: ChatCompletion = await self._client.chat.completions.create(
                        model=self._model, extra_headers=self._left_out, **dialect.arguments(request)
                    )
            except openai.APIStatusError as error:
                held = complaint(error.status_code, error.body)
                if held is not None and held.about is About.ANSWER:
                    return ChatAnswer(_well_formed(held.generated), self._model, "stop")
                following = None if held is None else dialect.after(held.about)
                if following is None:
                    # Where every way of asking is refused and nobody says why, the first refusal is nearest to it.
                    raise (refused if held and held.about is About.UNKNOWN and refused else error) from None
                refused, dialect = refused or error, following
            else:
                answer = _answer(completion)
                self._learn(dialect)
                return answer

    def _known(self) -> Dialect:
        if self._clock() - self._learned_s > _BELIEVED_S:
            self._dialect = Dialect()
        return self._dialect

    def _learn(self, dialect: Dialect) -> None:
        if dialect != self._dialect:
            self._dialect, self._learned_s = dialect, self._clock()


def _withheld(held: Complaint | None) -> Withheld | None:
    if held is None:
        return None
    said = held.message[:_SHOWN]
    if held.about is About.CONTEXT:
        hint = "cut conversations into smaller pieces, or give the model a larger context"
        return Withheld(f"the request is too long for the model: {said}", why=Why.TOO_LONG, hint=hint)
    if held.about is About.LIMIT:
        hint = "lower max_tokens of the prompt, or CONVMINE_EXTRACT_MOST_TOKENS"
        return Withheld(f"the model gives no answers of that length: {said}", why=Why.TOO_LONG, hint=hint)
    if held.about is About.FILTER:
        return Withheld(f"the server's content filter refuses the request: {said}", why=Why.FILTERED)
    return None


def _answer(completion: ChatCompletion) -> ChatAnswer:
    # The client does not check what it is sent: a proxy's error page arrives here as a string.
    choices = getattr(completion, "choices", None) or ()
    choice = next(iter(choices), None)
    if choice is None or choice.message is None:
        raise _no_completion(getattr(completion, "error", None))
    usage = completion.usage
    return ChatAnswer(
        text=_well_formed(choice.message.content or ""),
        model=completion.model,
        finish_reason=choice.finish_reason,
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
        refusal=choice.message.refusal or None,
        cached_tokens=(details.cached_tokens or 0) if usage and (details := usage.prompt_tokens_details) else 0,
    )


async def _tell_pace(response: httpx.Response) -> None:
    """What the server says of its limits stands in the headers of every answer, also of a refusal."""
    heard(response.status_code, response.headers)


def _no_completion(error: object) -> ConvmineError:
    """Some servers and gateways answer 200 with an error within."""
    held = None if error is None else complaint(400, error)
    said = f": {held.message[:_SHOWN]}" if held else ""
    message = f"the model's server answered 200 with what is no chat completion{said}"
    return _withheld(held) or Retryable(message, dependency="llm")


def _well_formed(text: str) -> str:
    """Without halves of surrogate pairs, which a cut can leave and which can be sent back in no encoding."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
