"""What a prompt is filled with: the names of its edition, and the turns of a conversation as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.extract.chunks import Chunk
from pipeline.extract.data_line import data_line
from pipeline.extract.findings import Conversation
from pipeline.ports import ChatMessage
from pipeline.scenarios.model import Edition
from pipeline.scenarios.prompt import Prompt, render
from schemas.wire import Role

EXTRACT_PROMPT: Final = "extract"
FILLED: Final = frozenset(
    {"scenario_title", "intents", "topics", "outcomes", "entities", "examples", "so_far", "turns"}
)
"""The parameters that are filled here; what else a prompt declares needs a default or a value of one's own."""
_EXAMPLE_TURN_MS: Final = 5_000


def messages_of(prompt: Prompt, conversation: Conversation, chunk: Chunk, **own: object) -> tuple[ChatMessage, ...]:
    """The messages that ask about these turns; the transcript goes in as data between the prompt's marks.

    Args:
        prompt: is shown what it declares of ``FILLED``.
        conversation: whose scenario and summary so far are shown.
        chunk: the turns.
        own: values of further parameters, which go before what is filled in here.

    Raises:
        PromptError: a declared parameter has no value, or the template refuses.
    """
    available = {
        **_of_edition(conversation.edition, prompt),
        "so_far": data_line(conversation.so_far),
        "turns": [_turn(turn.name, turn.segment.role, turn.segment.start_ms, turn.text) for turn in chunk],
    }
    filled = {name: available[name] for name in prompt.parameters if name in available}
    return render(prompt, **{**filled, **own})


def _of_edition(edition: Edition, prompt: Prompt) -> Mapping[str, object]:
    """What does not depend on the conversation."""
    return {
        "scenario_title": edition.title,
        "intents": edition.taxonomy.intents,
        "topics": edition.taxonomy.topics,
        "outcomes": edition.taxonomy.outcomes,
        "entities": edition.taxonomy.entities,
        "examples": list(_examples(edition, prompt)) if "examples" in prompt.parameters else (),
    }


def _examples(edition: Edition, prompt: Prompt) -> Iterator[Mapping[str, Any]]:
    by_id = {example.id: example for example in edition.examples}
    for name in prompt.examples:
        turns = [
            _turn(f"s{number}", turn.role, (number - 1) * _EXAMPLE_TURN_MS, turn.text)
            for number, turn in enumerate(by_id[name].turns, 1)
        ]
        yield {"turns": turns, "answer": json.dumps(by_id[name].answer, ensure_ascii=False)}


def _turn(name: str, role: Role, start_ms: int, text: str) -> Mapping[str, object]:
    return {"id": name, "role": role.value, "start_s": start_ms / 1_000, "text": data_line(text)}
