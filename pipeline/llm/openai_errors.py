"""What the OpenAI client raises, as errors of ours: once for speech, chat and embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.errors import Config, Poison, Retryable
from pipeline.retry_after import retry_after_s

if TYPE_CHECKING:
    import openai

_BUSY: Final = frozenset({408, 409, 425, 429})
_KEY_REFUSED: Final = frozenset({401, 403})
_NOT_FOUND: Final = 404
_SERVER_FAULT: Final = 500
_NO_MONEY: Final = "insufficient_quota"


@dataclass(frozen=True, slots=True)
class Service:
    """A server that speaks OpenAI's protocol, as errors name it, and the variables that it is set with."""

    title: str
    dependency: str
    model: str
    key_variable: str
    model_variable: str
    url_variable: str


def translated(error: openai.OpenAIError, service: Service) -> Retryable | Poison | Config:
    """The outcome of a failed request; a busy server's ``Retry-After`` is kept."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _refusal(error, service)
    if isinstance(error, openai.APIConnectionError):  # time-outs among them
        where = f"{service.title} at {error.request.url}"
        return Retryable(f"{where} cannot be reached: {_root(error)}", dependency=service.dependency)
    return Retryable(f"{service.title} answered what cannot be read: {error}", dependency=service.dependency)


def _root(error: openai.APIConnectionError) -> str:
    """What the system says; the client calls a connection that was closed a time-out where it goes through aiohttp."""
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    if isinstance(root, OSError) and str(root):
        return str(root)
    return str(error) if isinstance(root, TimeoutError) else "Connection error."


def _refusal(error: openai.APIStatusError, service: Service) -> Retryable | Poison | Config:
    status = error.status_code
    if status in _BUSY or status >= _SERVER_FAULT:
        wait_s = retry_after_s(error.response.headers)
        hint = "the account has no money left" if error.code == _NO_MONEY else None
        said = f"{service.title} answered {status}"
        return Retryable(said, dependency=service.dependency, retry_after_s=wait_s, hint=hint)
    if status in _KEY_REFUSED:
        return Config(service.key_variable, f"{service.title} refuses it ({status})")
    if status == _NOT_FOUND:
        return Config(
            service.model_variable,
            f"{service.title} has no model {service.model!r} (404)",
            hint=f"or {service.url_variable} is wrong: it ends in /v1",
        )
    return Poison(f"{service.title} refuses the request ({status}): {error.message[:300]}")
