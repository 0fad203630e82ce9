"""A prompt rendered on a call: the messages as they would be sent, of a version or of a text that is being written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from pipeline.audit.act import command
from pipeline.extract.chunks import Chunk, turns_of
from pipeline.extract.findings import Conversation
from pipeline.extract.prompting import messages_of
from pipeline.extract.questions import questions
from pipeline.extract.stage import conversation_of
from pipeline.extract.tokens import prompt_tokens
from pipeline.ports import ChatMessage
from pipeline.questions.wording.worded import messages_of as asking_messages
from pipeline.scenarios.model import Scenario
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt
from pipeline.store import calls
from pipeline.store.known import Unknown
from pipeline.workbench.written_calls import sample_call
from schemas.transcript import TranscriptCompleted
from workers.dashboard.workbench.bench import Bench, Person, Place, page, person_of, reply, scenario_as_pushed
from workers.dashboard.workbench.prompts import File, PromptId, check_of
from workers.gateway.problems import WrongValue, problem
from workers.gateway.replies import problem_reply

_MOST: Final = 20
"""Requests of one call that are shown; a long call is read in more."""
_QUESTION: Final = "which intents rose last month?"
"""For a prompt that is about a question, and not about a call."""


class Rendering(Place):
    """A prompt's text, and the call; a sample that ships where none is named."""

    text: File
    call: Annotated[str | None, Field(min_length=1, max_length=200)] = None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as it would be sent."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request; ``tokens`` is our own estimate."""

    tokens: int
    messages: tuple[MessageRow, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The requests about a call, the first ones of ``of``; ``stored`` is whether it is a call of ours, or a sample."""

    label: str
    call_id: str
    stored: bool
    of: int
    requests: tuple[RequestRow, ...]


def add_render(router: APIRouter, bench: Bench) -> None:
    """``POST /v1/workbench/prompts/{prompt}/render``."""

    @page(router, "POST", "/v1/workbench/prompts/{prompt}/render", "The messages about a call", Rendered)
    async def render(request: Request, prompt: PromptId, wanted: Rendering) -> Response:
        person = person_of(request, bench)
        try:
            found = parse_prompt(wanted.text)
            check_of(found, wanted.scenario, wanted.language, f"{prompt}.v{found.version}")
            return reply(request, await _rendered(bench, person, found, wanted), Rendered)
        except PromptError as error:
            return problem_reply(problem(422, str(error), errors=(WrongValue(detail=str(error), pointer="/text"),)))


async def _rendered(bench: Bench, person: Person, prompt: Prompt, wanted: Rendering) -> Rendered:
    scenario, edition = await bench.in_thread(scenario_as_pushed, bench, person.tenant, wanted)
    if wanted.call is None:
        call = await bench.in_thread(sample_call, scenario.id, edition.language, person.tenant)
    else:
        await person.recorder.record(command("prompt render", calls=[wanted.call], prompt=prompt.label))
        call = (await calls.transcript(bench.store, wanted.call, tenant_id=person.tenant)).as_event()
    if call is None:
        raise Unknown(f"no sample call ships in {edition.language!r}", hint="name a stored call")
    asked = await bench.in_thread(_requests, bench, scenario, prompt, call, person.tenant)
    rows = tuple(
        RequestRow(prompt_tokens(one), tuple(MessageRow(message.role, message.content) for message in one))
        for one in asked[:_MOST]
    )
    return Rendered(prompt.label, call.call_id, wanted.call is not None, len(asked), rows)


def _requests(
    bench: Bench, scenario: Scenario, prompt: Prompt, call: TranscriptCompleted, tenant: str
) -> Sequence[tuple[ChatMessage, ...]]:
    if prompt.answer == "question":
        return [asking_messages(prompt, _QUESTION, {}, bench.now().date())]
    conversation: Conversation = conversation_of(call, lambda *_: scenario, scenario.id, tenant)
    turns = turns_of(conversation.segments)

    def show(chunk: Chunk) -> tuple[ChatMessage, ...]:
        return messages_of(prompt, conversation, chunk)

    if "turns" not in prompt.parameters:
        return [show(turns)]
    extract = bench.settings.extract
    found = questions(turns, show, limit=extract.chunk_tokens, overlap=extract.overlap_turns)
    return [one.messages for one in found]
