"""What a language model is asked about a conversation: in one piece where it fits, else chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipeline.errors import Config
from pipeline.extract.chunks import Chunk, Cost, chunked
from pipeline.extract.tokens import estimated_tokens, prompt_tokens
from pipeline.ports import ChatMessage

LEAST_ROOM: Final = 200
"""Tokens of talk below which a chunk is no conversation: some ten turns."""

Show = Callable[[Chunk], tuple[ChatMessage, ...]]
"""The prompt that shows these turns."""


@dataclass(frozen=True, slots=True)
class Question:
    """Turns, and the messages that ask about them."""

    chunk: Chunk
    messages: tuple[ChatMessage, ...]


def questions(turns: Chunk, show: Show, *, limit: int, overlap: int) -> list[Question]:
    """One question where the whole prompt is no longer than the limit, else one a chunk, none of them longer.

    Args:
        turns: of the whole conversation, in order.
        show: makes the prompt.
        limit: tokens of a whole prompt, by ``pipeline.extract.tokens``.
        overlap: turns that a chunk shows again of the one before.

    Raises:
        Config: the instructions alone leave too little room.
    """
    messages = show(turns)
    if prompt_tokens(messages) <= limit:
        return [Question(turns, messages)]
    instructions = prompt_tokens(show(()))
    if limit - instructions < LEAST_ROOM:
        raise _no_room(limit, instructions)
    return _within(turns, show, instructions=instructions, room=limit - instructions, overlap=overlap)


def smaller(question: Question, show: Show, *, overlap: int) -> list[Question]:
    """The same in two halves that overlap, for an answer that was too long; none where it is too short for that."""
    instructions = prompt_tokens(show(()))
    room = (prompt_tokens(question.messages) - instructions) * 5 // 8
    if room < LEAST_ROOM:
        return []
    return _within(question.chunk, show, instructions=instructions, room=room, overlap=overlap)


def _within(turns: Chunk, show: Show, *, instructions: int, room: int, overlap: int) -> list[Question]:
    """Chunks for this room; for less of it, where a prompt shows turns in a longer way than was reckoned with."""
    cost = _line(turns, show)
    reckoned = room
    while reckoned >= LEAST_ROOM // 4:
        asked = [Question(chunk, show(chunk)) for chunk in chunked(turns, cost, room=reckoned, overlap=overlap)]
        talk = max(prompt_tokens(question.messages) for question in asked) - instructions
        if talk <= room:
            return asked
        reckoned = reckoned * room // talk
    raise _no_room(instructions + room, instructions)


def _no_room(limit: int, instructions: int) -> Config:
    return Config(
        "CONVMINE_EXTRACT_CHUNK_TOKENS",
        f"is {limit}: the instructions take {instructions} of them, and at least {LEAST_ROOM} are for the talk",
    )


def _line(turns: Chunk, show: Show) -> Cost:
    """What a turn takes: its text, and what the prompt puts around the last one, whose number is the longest."""
    last = turns[-1]
    around = prompt_tokens(show((last,))) - prompt_tokens(show(())) - estimated_tokens(last.text)
    return lambda text: estimated_tokens(text) + around
