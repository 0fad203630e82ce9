"""Chats to fine-tune a model with: what a prompt asks about a call, and the answer that people have accepted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from pipeline.extract.answer import read_answer
from pipeline.extract.chunks import turns_of
from pipeline.extract.claims import grounded
from pipeline.extract.findings import Conversation
from pipeline.extract.prompting import messages_of
from pipeline.extract.questions import questions
from pipeline.ids import place_of_name
from pipeline.labels.accepted_answer import Accepted, NotDecided, accepted, answer_of
from pipeline.labels.label import Label, by_call
from pipeline.labels.mined_call import MinedCall
from pipeline.llm.guarded import AnswerInvalid
from pipeline.ports import ChatMessage
from pipeline.privacy.masking import mask
from pipeline.scenarios.model import Edition, Scenario
from pipeline.scenarios.prompt import Prompt
from schemas.transcript import Segment
from schemas.wire import Role

_SPLIT: Final = "finetune"


class LeftOut(StrEnum):
    """Why a call that was judged is no example."""

    GONE = "the call is not stored any more"
    FEW = "an item was judged by too few people"
    DIVIDED = "as many people say that an item is there as that it is not"
    NO_SUMMARY = "no summary was accepted"
    TWO_OUTCOMES = "more than one outcome was accepted"
    TOO_LONG = "it is read in several chunks, whose summaries nobody has judged"
    NO_WORDS = "the words of an accepted item do not stand in the transcript"
    NOT_MASKED = "something in it should have been masked"


@dataclass(frozen=True, slots=True)
class Example:
    """One call as a chat of three messages; ``group`` is what may not be in both splits: its customer, or itself."""

    call_id: str
    group: str
    messages: tuple[ChatMessage, ...]

    def row(self) -> dict[str, Any]:
        """A line of a file for fine-tuning."""
        return {"messages": [{"role": one.role, "content": one.content} for one in self.messages]}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What examples are made with.

    ``chunk_tokens`` is the longest prompt, ``least`` how many people must have judged each item.
    """

    scenario: Scenario
    edition: Edition
    prompt: Prompt
    chunk_tokens: int
    least: int = 1


def judged_calls(labels: Iterable[Label], recipe: Recipe) -> dict[str, list[Label]]:
    """The labels of each call of the recipe's scenario and language, in the order in which they come."""
    return by_call(
        label
        for label in labels
        if label.scenario == recipe.scenario.id
        and recipe.scenario.edition(label.language).language == recipe.edition.language
    )


def example_of(call: MinedCall, labels: Sequence[Label], recipe: Recipe) -> Example | LeftOut:
    """The chat about a call, or why there is none.

    Args:
        call: as it is stored, masked.
        labels: all of it, in order of time.
        recipe: with what.

    Raises:
        PromptError: a parameter of the prompt has no value.
        Config: the prompt's own text is longer than ``chunk_tokens``.
    """
    found = _decided(call, labels, recipe.least)
    if isinstance(found, LeftOut):
        return found
    conversation = Conversation(call.segments, call.duration_ms, recipe.scenario, recipe.edition)
    turns = turns_of(call.segments)
    asked = questions(turns, partial(messages_of, recipe.prompt, conversation), limit=recipe.chunk_tokens, overlap=0)
    if len(asked) > 1:
        return LeftOut.TOO_LONG
    answer = answer_of(found, turns, recipe.edition.taxonomy)
    if answer is None or not _stands(answer, conversation, recipe.edition):
        return LeftOut.NO_WORDS
    told = ChatMessage("assistant", json.dumps(answer, ensure_ascii=False))
    messages = (*asked[0].messages, told)
    if not is_masked(call, messages):
        return LeftOut.NOT_MASKED
    return Example(call.call_id, call.customer_id or call.call_id, messages)


def is_validation(group: str, share: float) -> bool:
    """Whether all of a group goes into the validation split: by its hash, so that what is added moves nothing."""
    return place_of_name(f"{_SPLIT}:{group}") < share


def is_masked(call: MinedCall, messages: Iterable[ChatMessage]) -> bool:
    """Whether nothing is left to be masked: in the talk, with all that is said around it, and in each message."""
    told = [
        Segment(segment_id=str(number), role=Role.UNKNOWN, start_ms=0, end_ms=0, text=message.content)
        for number, message in enumerate(messages)
    ]
    stretches = [call.segments, *((one,) for one in told)]
    return all(_is_masked(stretch, call.language) for stretch in stretches)


def _decided(call: MinedCall, labels: Sequence[Label], least: int) -> Accepted | LeftOut:
    try:
        found = accepted(call, labels, least=least)
    except NotDecided as error:
        return LeftOut.FEW if error.why == "few" else LeftOut.DIVIDED
    if not found.of("summary"):
        return LeftOut.NO_SUMMARY
    return found if len(found.of("outcome")) <= 1 else LeftOut.TWO_OUTCOMES


def _is_masked(segments: Sequence[Segment], language: str | None) -> bool:
    return [one.text for one in mask(segments, language)] == [one.text for one in segments]


def _stands(answer: dict[str, Any], conversation: Conversation, edition: Edition) -> bool:
    """Whether the extractor would read it, and drop nothing of it."""
    by_id = {turn.name: turn.segment for turn in turns_of(conversation.segments)}
    try:
        read = read_answer(json.dumps(answer), edition)
    except AnswerInvalid:
        return False
    return grounded(read, by_id, edition).dropped == 0
