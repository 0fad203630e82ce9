"""Asking a chat model until its answer is valid: kept answers first, then the model, then again with what was wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from pipeline.llm.answer_key import answer_key
from pipeline.llm.caches import NoCache
from pipeline.llm.withheld import Took, Why, Withheld
from pipeline.ports import ChatAnswer, ChatMessage, ChatModel, ChatRequest, KeptAnswer, ResponseCache

_REASK: Final = "Your answer is not valid: {error}. Give the whole corrected JSON object and nothing else."
# What is sent back of an answer and of what is wrong with it, in characters: a model that ran wild is not paid twice.
_SHOWN_ANSWER: Final = 8_000
_SHOWN_ERROR: Final = 1_000
_SHOWN_REFUSAL: Final = 300
_NOTHING: Final = ChatAnswer("", "", "")
_HINTS: Final = {
    Why.CUT_OFF: "raise CONVMINE_EXTRACT_MOST_TOKENS, or the context that the server gives the model (Ollama: num_ctx)",
}

T = TypeVar("T")


class AnswerInvalid(ValueError):
    """The answer is no JSON or not of the schema; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A valid answer as it was read, and as it was said."""

    value: T
    said: KeptAnswer


@dataclass(frozen=True, slots=True)
class _Problem:
    """Why an answer is of no use."""

    why: Why
    message: str


class GuardedChat:
    """Gives valid answers alone; what the model answered before, and was valid, is not asked again.

    Args:
        model: who is asked.
        reasks: how often an answer that is not valid, or is empty, is asked for again.
        cache: where valid answers are kept; without one, nowhere.
        server: where the model is served: its answers stand for no other server's.
        most_tokens: an answer that was cut off is asked for again with twice the room, up to so many tokens.
        vote_temperature: what the further samples of a vote are drawn with; the first has the request's own.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        model: ChatModel,
        *,
        reasks: int = 1,
        cache: ResponseCache | None = None,
        server: str = "",
        most_tokens: int = 8_000,
        vote_temperature: float = 0.7,
    ) -> None:
        self._model = model
        self._reasks = reasks
        self._cache = cache or NoCache()
        self._server = server
        self._most_tokens = most_tokens
        self._vote_temperature = vote_temperature

    async def ask(
        self,
        request: ChatRequest,
        read: Callable[[str], T],
        *,
        subject: str = "",
        votes: int = 1,
        agree: Callable[[Sequence[T]], T] | None = None,
    ) -> Asked[T]:
        """The answer that is kept, or else the model's; that one is kept under the key of the first request.

        Args:
            request: what to ask.
            read: the answer's text as a value; raises ``AnswerInvalid`` with words that the model understands.
            subject: whose words are in the request (``tenant:call``): what is kept of them is erased by it.
            votes: how many samples are drawn at once; each is kept by itself, and one that is not valid has no vote.
            agree: what the valid samples say together, as ``pipeline.llm.votes.vote`` tells it of a list of claims.

        Returns:
            The value; of several samples the text is the first one's, the tokens and re-asks are those of all.

        Raises:
            Withheld: no valid answer came; a ``Poison`` that says why and what it took.
            Retryable, Config: as the model raises them.
        """
        if votes == 1 or agree is None:
            return await self._sample(request, read, subject, 0)
        drawn = await asyncio.gather(
            *(self._sample(request, read, subject, number) for number in range(votes)), return_exceptions=True
        )
        # One that is away is away for the call: the samples that came are kept, and cost nothing the next time.
        for one in drawn:
            if isinstance(one, BaseException) and not isinstance(one, Withheld):
                raise one
        valid = [one for one in drawn if isinstance(one, Asked)]
        withheld = [one for one in drawn if isinstance(one, Withheld)]
        if not valid:
            raise withheld[0]
        return Asked(agree([one.value for one in valid]), _together(valid, withheld))

    async def close(self) -> None:
        """Close the connections of the model and of the cache."""
        try:
            await self._model.close()
        finally:
            await self._cache.close()

    async def _sample(self, request: ChatRequest, read: Callable[[str], T], subject: str, number: int) -> Asked[T]:
        if number:
            request = replace(request, temperature=self._vote_temperature)
        key = answer_key(request, model=self._model.name, server=self._server)
        if number:
            key = f"{key}.{number}"
        if (kept := _valid(await self._cache.get(key), read)) is not None:
            return kept
        asked = await self._ask(request, read)
        # Another worker may have been quicker with the same event: then both go on with its answer.
        kept_first = await self._cache.put(key, asked.said, subject=subject)
        return asked if kept_first == asked.said else _valid(kept_first, read) or asked

    async def _ask(self, request: ChatRequest, read: Callable[[str], T]) -> Asked[T]:
        spent, left = Took(), self._reasks
        problem: _Problem | None = None
        asked: ChatRequest | None = request
        while asked is not None:
            said = await self._said(asked, problem, spent)
            spent = spent.plus(said)
            problem = _problem(said, asked)
            # A cut may have hit what follows a whole object: models in JSON mode add spaces without end.
            if problem is None or problem.why is Why.CUT_OFF:
                try:
                    return Asked(read(said.text), _kept(said, spent))
                except AnswerInvalid as error:
                    problem = problem or _Problem(Why.INVALID, str(error))
            asked = self._again(problem, said, asked, request, left)
            left -= problem.why is not Why.CUT_OFF
        assert problem is not None
        raise self._withheld(problem, spent, request)

    async def _said(self, asked: ChatRequest, problem: _Problem | None, spent: Took) -> ChatAnswer:
        try:
            return await self._model.answer(asked)
        except Withheld as error:
            if problem is not None and error.why is Why.TOO_LONG:
                # Only the further try does not fit into the model's context: what led to it is the reason.
                raise self._withheld(problem, spent, asked) from error
            raise Withheld(error.message, why=error.why, spent=spent, hint=error.hint) from error

    def _again(
        self, problem: _Problem, said: ChatAnswer, asked: ChatRequest, request: ChatRequest, left: int
    ) -> ChatRequest | None:
        """What to ask next; None where that would change nothing, or has been done often enough."""
        if problem.why is Why.CUT_OFF and asked.max_tokens < self._most_tokens:
            return replace(asked, max_tokens=min(2 * asked.max_tokens, self._most_tokens))
        if problem.why is Why.EMPTY and left > 0:
            return asked  # and no empty message within, which some servers refuse
        if problem.why is Why.INVALID and left > 0:
            error = problem.message[:_SHOWN_ERROR]
            shown = (ChatMessage("assistant", _cut(said.text)), ChatMessage("user", _REASK.format(error=error)))
            return replace(asked, messages=(*request.messages, *shown))
        return None

    def _withheld(self, problem: _Problem, spent: Took, asked: ChatRequest) -> Withheld:
        message = problem.message
        if problem.why is Why.INVALID:
            tries = f"{spent.tries} {'try' if spent.tries == 1 else 'tries'}"
            message = (
                f"the model {asked.model or self._model.name} gave no valid answer in {tries}: {message[:_SHOWN_ERROR]}"
            )
        return Withheld(message, why=problem.why, spent=spent, hint=_HINTS.get(problem.why))


def _problem(said: ChatAnswer, asked: ChatRequest) -> _Problem | None:
    """What is wrong with an answer before it is read."""
    if said.refusal:
        return _Problem(Why.REFUSED, f"the model refuses to answer: {said.refusal[:_SHOWN_REFUSAL]}")
    if said.finish_reason == "content_filter":
        return _Problem(Why.FILTERED, "the model's answer was withheld by a content filter")
    if said.finish_reason == "length":
        return _Problem(Why.CUT_OFF, f"the model's answer was cut off at {asked.max_tokens} tokens")
    if not said.text.strip():
        return _Problem(Why.EMPTY, f"the model's answer is empty (finish reason {said.finish_reason})")
    return None


def _cut(text: str) -> str:
    """The beginning and the end of an answer that is long."""
    if len(text) <= _SHOWN_ANSWER:
        return text
    half = _SHOWN_ANSWER // 2
    return f"{text[:half]}\n[...]\n{text[-half:]}"


def _kept(said: ChatAnswer, spent: Took) -> KeptAnswer:
    reasks = max(0, spent.tries - 1)
    return KeptAnswer(said.text, said.model, said.finish_reason, reasks, spent.input_tokens, spent.output_tokens)


def _together(valid: Sequence[Asked[T]], withheld: Sequence[Withheld]) -> KeptAnswer:
    """The first sample, with what all took; those that are no valid answers too."""
    all_said = [*(one.said for one in valid), *(_kept(_NOTHING, one.spent) for one in withheld)]
    return replace(
        all_said[0],
        reasks=sum(one.reasks for one in all_said),
        input_tokens=sum(one.input_tokens for one in all_said),
        output_tokens=sum(one.output_tokens for one in all_said),
    )


def _valid(kept: KeptAnswer | None, read: Callable[[str], T]) -> Asked[T] | None:
    if kept is None:
        return None
    try:
        return Asked(read(kept.text), kept)
    except AnswerInvalid:
        return None
