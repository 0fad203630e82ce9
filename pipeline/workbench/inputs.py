"""Test inputs: a conversation with values of a prompt's parameters, and the messages that come of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from pipeline.scenarios.model import Edition, Scenario
from pipeline.scenarios.prompt import Prompt
from pipeline.workbench.matrix import Value
from pipeline.workbench.trial import Given
from pipeline.workbench.written_calls import WrittenCall, WrittenTurn


def input_row(
    prompt: Prompt, scenario: Scenario, edition: Edition, parameters: Mapping[str, Value], turns: Sequence[WrittenTurn]
) -> dict[str, Any]:
    """One line of a batch: ``id``, ``prompt``, ``parameters``, ``messages``, and the call as labelled calls are.

    The id depends on the parameters and the words alone, so that two versions of a prompt have the same inputs. The
    messages show the conversation masked and in one piece.

    Raises:
        PromptError: a declared parameter has no value, or the template refuses.
    """
    name = _name(parameters, turns)
    call = WrittenCall(call_id=name, turns=tuple(turns), scenario=scenario.id, language=edition.language)
    messages = Given(call.transcript(""), scenario, edition, parameters).messages(prompt)
    return {
        "id": name,
        "prompt": prompt.label,
        "parameters": dict(parameters),
        "messages": [{"role": one.role, "content": one.content} for one in messages],
        "call_id": name,
        "scenario": scenario.id,
        "language": edition.language,
        "turns": [turn.model_dump(mode="json") for turn in turns],
    }


def _name(parameters: Mapping[str, Value], turns: Sequence[WrittenTurn]) -> str:
    told = [dict(parameters), [[turn.role, turn.text] for turn in turns]]
    return f"input-{sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]}"
