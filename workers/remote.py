"""``Answers`` of a gateway over HTTP, with the same values and the same errors as from the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from pipeline.audit.log import EntryPage, Wanted
from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.export.sql import SqlAnswer
from pipeline.questions.answering import KINDS
from pipeline.questions.question import Question
from pipeline.questions.refusal import refusal
from pipeline.questions.wording.model_answer import Meant
from workers.gateway.problems import MEDIA_TYPE, Problem, error_of

if TYPE_CHECKING:
    import httpx

_GATEWAY: Final = "gateway"
_LATER: Final = frozenset({429, 502, 503, 504})
_KEY: Final = "CONVMINE_GATEWAY_KEY"
_URL: Final = "CONVMINE_GATEWAY_URL"


@asynccontextmanager
async def remote_answers(url: str, key: str, *, timeout_s: float = 45.0) -> AsyncIterator[RemoteAnswers]:
    """Answers of the gateway at ``url``, as the key may see them."""
    import httpx

    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout_s) as client:
        yield RemoteAnswers(client)


class RemoteAnswers:
    """``Answers`` through a client that knows the address and sends the key.

    Raises:
        Retryable: the gateway, or what it asks, is away or busy.
        Config: the address is none of a gateway, or the key is not valid or may not ask this.
        Poison: it is of another version and does not know such a question, or answers otherwise.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def answer(self, question: Question) -> Any:  # noqa: ANN401 - see Answers
        """The answer, as ``KINDS`` has its type."""
        asked = question.model_dump(mode="json")
        return await self._asked("v1/questions", asked, TypeAdapter(KINDS[type(question)].answers(question)))

    async def sql(self, statement: str, limit: int | None = None) -> SqlAnswer:
        """The answer to a statement, with so many rows at most."""
        asked = {"statement": statement, "limit": limit}
        answer: SqlAnswer = await self._asked("v1/sql", asked, TypeAdapter(SqlAnswer))
        return answer

    async def worded(self, text: str, language: str | None = None) -> Meant:
        """The question that these words mean."""
        meant: _Worded = await self._asked("v1/ask", {"text": text, "language": language}, TypeAdapter(_Worded))
        return meant.question

    async def audit(self, wanted: Wanted, limit: int, after: str | None = None) -> EntryPage:
        """Entries of the audit log, of the key's tenant."""
        since = None if wanted.since is None else wanted.since.isoformat()
        asked = {**asdict(wanted), "tenant_id": None, "since": since, "limit": limit, "after": after}
        query = {name: value for name, value in asked.items() if value is not None}
        page: EntryPage = await self._asked("v1/audit", query, TypeAdapter(EntryPage), method="GET")
        return page

    async def _asked(
        self, page: str, asked: Mapping[str, Any], answers: TypeAdapter[Any], *, method: str = "POST"
    ) -> Any:  # noqa: ANN401 - likewise
        response = await self._sent(page, asked, method)
        if not response.is_success:
            raise _error_of(response)
        try:
            return answers.validate_json(response.content)
        except ValidationError as error:
            raise Poison(
                f"{response.url} answers otherwise than is expected: {refusal(error)}",
                hint="is it a gateway of this version?",
            ) from None

    async def _sent(self, page: str, asked: Mapping[str, Any], method: str) -> httpx.Response:
        import httpx

        try:
            if method == "GET":
                return await self._client.get(page, params=dict(asked))
            return await self._client.post(page, json=asked)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Config(_URL, f"{self._client.base_url} is no address: {error}") from error
        except httpx.TransportError as error:
            said = str(error) or type(error).__name__
            raise Retryable(
                f"the gateway at {self._client.base_url} does not answer: {said}",
                dependency=_GATEWAY,
                hint=f"start it with convmine gateway, or see {_URL}",
            ) from error


class _Worded(BaseModel):
    """What the gateway makes of words; the command that it says is made here."""

    question: Annotated[Meant, Field(discriminator="kind")]


def _error_of(response: httpx.Response) -> ConvmineError:
    """What a response that is no answer says."""
    if response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        with suppress(ValidationError):
            said = Problem.model_validate_json(response.content)
            return error_of(said) or _of_the_gateway(said, str(response.url.copy_with(path="/", query=None)))
    if response.status_code in _LATER:  # of a proxy before it
        return Retryable(f"{response.url} answers {response.status_code}", dependency=_GATEWAY)
    return Config(_URL, f"{response.url} answers {response.status_code}, as no gateway does")


def _of_the_gateway(said: Problem, where: str) -> ConvmineError:
    """A problem that is not about what was asked."""
    if said.status == 401:  # noqa: PLR2004 - HTTP's number
        return Config(_KEY, f"the gateway at {where} does not know this key, or it has expired")
    if said.status == 403:  # noqa: PLR2004 - likewise
        return Config(_KEY, said.detail)
    if said.status in _LATER:
        return Retryable(f"the gateway at {where}: {said.detail}", dependency=_GATEWAY, hint=said.hint)
    return Poison(f"the gateway at {where}: {said.title}: {said.detail}", hint=said.hint)
