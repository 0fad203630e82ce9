"""Chat through the ``openai`` client, with any server that speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.dependencies import answered
from pipeline.errors import Config, Retryable
from pipeline.llm.openai_errors import Service, translated
from pipeline.ports import ChatAnswer, ChatRequest
from pipeline.settings import OPENAI_URL, LlmSettings

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion

# What to ask for, strictest first; a server that refuses one is asked for the next from then on.
_FORMATS: Final = ("json_schema", "json_object", "text")
_FORMAT_REFUSED: Final = frozenset({400, 422})
# Sent where no key is set: servers of one's own need none, but the client insists on one.
_NO_KEY: Final = "none"


class OpenAIChat:
    """A ``ChatModel`` over HTTP. The client itself never tries again: that is the runtime's business.

    Args:
        model: the model's name, as the server knows it.
        base_url: the server up to ``/v1``; OpenAI's own without it.
        api_key: the server's key.
        timeout_s: how long one answer may take.

    Raises:
        Config: neither a key nor a server is set.
    """

    def __init__(self, model: str, *, base_url: str | None, api_key: str | None, timeout_s: float) -> None:
        from openai import AsyncOpenAI

        if base_url is None and api_key is None:
            raise Config("CONVMINE_LLM_API_KEY", "a language model needs a key", hint="or set CONVMINE_LLM_BASE_URL")
        self._client = AsyncOpenAI(
            base_url=base_url or OPENAI_URL, api_key=api_key or _NO_KEY, timeout=timeout_s, max_retries=0
        )
        self._model = model
        self._service = Service(
            title="the model's server",
            dependency="llm",
            model=model,
            key_variable="CONVMINE_LLM_API_KEY",
            model_variable="CONVMINE_LLM_MODEL",
            url_variable="CONVMINE_LLM_BASE_URL",
        )
        self._formats: tuple[str, ...] = _FORMATS

    @classmethod
    def of(cls, settings: LlmSettings) -> Self:
        """The model that the settings name."""
        key = None if settings.api_key is None else settings.api_key.get_secret_value()
        return cls(settings.model, base_url=settings.base_url, api_key=key, timeout_s=settings.timeout_s)

    @property
    def name(self) -> str:
        return self._model

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        """Ask once.

        Raises:
            Retryable: the server is away, slow or busy; carries the wait that it asked for.
            Poison: the server refuses the request for good.
            Config: the server refuses the key or does not have the model.
        """
        import openai

        try:
            completion = await self._complete(request)
        except openai.OpenAIError as error:
            raise translated(error, self._service) from error
        except ValueError as error:  # a body that is no JSON
            raise Retryable(f"the model's server answered what cannot be read: {error}", dependency="llm") from error
        answer = _answer(completion)
        answered(self._service.dependency)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _complete(self, request: ChatRequest) -> ChatCompletion:
        import openai

        # Every 400 may be about the format, as servers word it differently. A weaker format is remembered only once it
        # has worked, and where all are refused the first refusal tells why.
        refused: openai.APIStatusError | None = None
        formats = self._formats
        for tried, kind in enumerate(formats):
            try:
                completion = await self._ask(request, kind)
            except openai.APIStatusError as error:
                if error.status_code not in _FORMAT_REFUSED:
                    raise
                refused = refused or error
            else:
                self._formats = min(self._formats, formats[tried:], key=len)
                return completion
        assert refused is not None
        raise refused

    async def _ask(self, request: ChatRequest, kind: str) -> ChatCompletion:
        arguments: Mapping[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "response_format": _response_format(kind, request),
        }
        completion: ChatCompletion = await self._client.chat.completions.create(
            **{name: value for name, value in arguments.items() if value is not None}
        )
        return completion


def _response_format(kind: str, request: ChatRequest) -> dict[str, Any] | None:
    if kind == "json_schema":
        schema = {"name": request.schema_name, "strict": True, "schema": dict(request.json_schema)}
        return {"type": kind, "json_schema": schema}
    return {"type": kind} if kind == "json_object" else None


def _answer(completion: ChatCompletion) -> ChatAnswer:
    # The client does not check what it is sent: a proxy's error page arrives here as a string.
    choices = getattr(completion, "choices", None) or ()
    choice = next(iter(choices), None)
    if choice is None or choice.message is None:
        raise Retryable("the model's server answered 200 with what is no chat completion", dependency="llm")
    usage = completion.usage
    return ChatAnswer(
        text=choice.message.content or "",
        model=completion.model,
        finish_reason=choice.finish_reason,
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
        refusal=choice.message.refusal or None,
    )
