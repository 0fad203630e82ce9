"""The extractor that asks a language model: the scenario's prompt, its answer, and what of it stands on evidence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import structlog

from pipeline.errors import Config, Poison
from pipeline.extract.agreed import agreed
from pipeline.extract.answer import answer_schema, read_answer
from pipeline.extract.chunks import Chunk, turns_of
from pipeline.extract.claims import Grounded, grounded
from pipeline.extract.findings import Conversation, Findings
from pipeline.extract.merge import merged
from pipeline.extract.prompting import EXTRACT_PROMPT, messages_of
from pipeline.extract.questions import Question, questions, smaller
from pipeline.extract.summary import presentable
from pipeline.extract.whole_summary import SUMMARY_PROMPT, joined_summary, read_summary, summary_request
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.prices import total
from pipeline.llm.withheld import Took, Why, Withheld
from pipeline.ports import Account, ChatMessage, ChatRequest, KeptAnswer
from pipeline.scenarios.prompt import Prompt, PromptError
from schemas.insight import Extractor, Provenance

CHUNK_TOKENS: Final = 5_500
OVERLAP_TURNS: Final = 4
AT_ONCE: Final = 4

_STAGE: Final = "extract"
# For these reasons a chunk is asked about in halves, and those once more: an answer that is too long even then does not
# end, and a context that such a prompt does not fit into is no use.
_TOO_LONG: Final = frozenset({Why.CUT_OFF, Why.TOO_LONG})
_HALVINGS: Final = 2

T = TypeVar("T")
Price = Callable[[str, int, int, str | None], float | None]
"""US dollars of a model's tokens, sent and received; None where it is not known. A model that has no price by the name
it gives itself has that of the name it was asked by; None is that of the settings."""

log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of one chunk."""

    chunk: Chunk
    found: Grounded
    summary: str
    said: KeptAnswer


class LlmExtractor:
    """Asks a chat model with the scenario's own prompt; about a long conversation chunk by chunk.

    Args:
        chat: who is asked.
        chunk_tokens: the longest prompt, in tokens by ``pipeline.extract.tokens``.
        overlap_turns: turns of one chunk that the next one shows again.
        at_once: chunks of one conversation that are asked about at the same time.
        votes: samples of an answer, whose majority says what the intents and the outcome are.
        price: of a model's answers.
    """

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        chat: GuardedChat,
        *,
        chunk_tokens: int = CHUNK_TOKENS,
        overlap_turns: int = OVERLAP_TURNS,
        at_once: int = AT_ONCE,
        votes: int = 1,
        price: Price | None = None,
    ) -> None:
        self._chat = chat
        self._chunk_tokens = chunk_tokens
        self._overlap_turns = overlap_turns
        self._at_once = at_once
        self._votes = votes
        self._price = price

    async def extract(self, conversation: Conversation) -> Findings:
        """Raises what the model raises, and ``Poison`` where no valid answer came."""
        prompt = _prompt(conversation)
        show = partial(_shown, prompt, conversation)
        turns = turns_of(conversation.segments)
        asked = questions(turns, show, limit=self._chunk_tokens, overlap=self._overlap_turns)
        answers = await _side_by_side(
            [partial(self._read, conversation, prompt, question, _HALVINGS) for question in asked], self._at_once
        )
        reads = [read for answer in answers for read in answer]
        found = merged([(read.chunk, read.found) for read in reads])
        summary, for_summary = await self._summary(conversation, reads)
        said = [*(read.said for read in reads), *for_summary]
        return Findings(
            intents=found.intents,
            outcome=found.outcome,
            summary=summary,
            entities=found.entities,
            objections=found.objections,
            follow_ups=found.follow_ups,
            provenance=Provenance(
                extractor=Extractor.LLM,
                model=reads[0].said.model,
                scenario=conversation.scenario.id,
                scenario_version=conversation.scenario.version,
                prompt_version=prompt.label,
                reasks=sum(one.reasks for one in said),
                dropped_ungrounded=found.dropped,
                input_tokens=sum(one.input_tokens for one in said),
                output_tokens=sum(one.output_tokens for one in said),
                chunks=len(reads),
                cost_usd=self._cost_usd(said, conversation.scenario.model_for(prompt)),
            ),
        )

    async def close(self) -> None:
        """Close the connections of the model and of the cache."""
        await self._chat.close()

    def _cost_usd(self, said: Sequence[KeptAnswer], asked_as: str | None) -> float | None:
        """What all answers took together; None where a price is not known."""
        if self._price is None:
            return None
        return total(self._price(one.model, one.input_tokens, one.output_tokens, asked_as) for one in said)

    async def _read(self, conversation: Conversation, prompt: Prompt, question: Question, halvings: int) -> list[_Read]:
        """The answer about one chunk, or those about its parts where it or its answer is too long."""
        try:
            return [await self._ask(conversation, prompt, question)]
        except Withheld as error:
            show = partial(_shown, prompt, conversation)
            again = halvings and error.why in _TOO_LONG
            parts = smaller(question, show, overlap=self._overlap_turns) if again else []
            if not parts:
                raise
            lost = error
        log.info("extract.halved", call_id=_account(conversation).call_id, parts=len(parts), reason=lost.message)
        first, *rest = [read for part in parts for read in await self._read(conversation, prompt, part, halvings - 1)]
        return [replace(first, said=_and(first.said, lost.spent)), *rest]

    async def _ask(self, conversation: Conversation, prompt: Prompt, question: Question) -> _Read:
        edition = conversation.edition
        request = ChatRequest(
            messages=question.messages,
            json_schema=answer_schema(edition),
            schema_name=prompt.label.replace(".", "_"),
            temperature=prompt.temperature,
            max_tokens=prompt.max_tokens,
            prompt_version=prompt.label,
            account=_account(conversation),
            model=conversation.scenario.model_for(prompt),
        )
        asked = await self._chat.ask(
            request,
            partial(read_answer, edition=edition),
            subject=conversation.subject,
            votes=self._votes,
            agree=agreed,
        )
        by_id = {turn.name: turn.segment for turn in question.chunk}
        summary = presentable(asked.value.summary, edition.language)
        return _Read(question.chunk, grounded(asked.value, by_id, edition), summary, asked.said)

    async def _summary(self, conversation: Conversation, reads: Sequence[_Read]) -> tuple[str, tuple[KeptAnswer, ...]]:
        """One summary of all chunks, and what was said for it; put together of theirs where the model gives none."""
        summaries, edition = [read.summary for read in reads], conversation.edition
        if len(summaries) == 1:
            return summaries[0], ()
        if (prompt := edition.prompt(SUMMARY_PROMPT, _account(conversation).call_id)) is None:
            return joined_summary(summaries, edition.language), ()
        try:
            request = summary_request(prompt, summaries, conversation, _account(conversation))
            asked = await self._chat.ask(request, read_summary, subject=conversation.subject)
        except PromptError as error:
            raise Config("CONVMINE_EXTRACT_SCENARIO", str(error)) from error
        except Poison as error:
            log.warning("extract.no_whole_summary", call_id=_account(conversation).call_id, reason=error.message)
            lost = error.spent if isinstance(error, Withheld) else Took()
            return joined_summary(summaries, edition.language), (_and(KeptAnswer("", reads[0].said.model, ""), lost),)
        return presentable(asked.value, edition.language), (asked.said,)


def _and(said: KeptAnswer, lost: Took) -> KeptAnswer:
    """With the tries that gave no answer: they were paid for as well."""
    return replace(
        said,
        reasks=said.reasks + lost.tries,
        input_tokens=said.input_tokens + lost.input_tokens,
        output_tokens=said.output_tokens + lost.output_tokens,
    )


def _prompt(conversation: Conversation) -> Prompt:
    if (prompt := conversation.edition.prompt(EXTRACT_PROMPT, _account(conversation).call_id)) is None:
        where = f"scenario {conversation.scenario.id!r} in {conversation.edition.language!r}"
        raise Config("CONVMINE_EXTRACT_SCENARIO", f"{where} has no prompt {EXTRACT_PROMPT!r}")
    return prompt


def _shown(prompt: Prompt, conversation: Conversation, chunk: Chunk) -> tuple[ChatMessage, ...]:
    try:
        return messages_of(prompt, conversation, chunk)
    except PromptError as error:
        raise Config("CONVMINE_EXTRACT_SCENARIO", str(error)) from error


def _account(conversation: Conversation) -> Account:
    tenant_id, _, call_id = conversation.subject.partition(":")
    return Account(tenant_id, call_id, _STAGE, conversation.scenario.id)


async def _side_by_side(jobs: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """The results in order, of so many jobs at a time.

    Where one fails no further is begun, and those under way are waited for: their answers are paid for and will be
    kept. Then the first failure is raised.
    """
    waiting = deque(enumerate(jobs))
    results: dict[int, T] = {}

    async def work() -> None:
        while waiting:
            place, job = waiting.popleft()
            try:
                results[place] = await job()
            except BaseException:
                waiting.clear()
                raise

    ends = await asyncio.gather(*(work() for _ in jobs[:at_once]), return_exceptions=True)
    for failure in filter(None, ends):
        raise failure
    return [results[place] for place in range(len(jobs))]
