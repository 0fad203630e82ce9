"""The rule mode: an answer of the shape that is asked for, with what the prompt's own words say about its own turns."""

from __future__ import annotations

import json
from typing import Any, Final

from workers.fake_llm.asked import read_asked
from workers.fake_llm.asking import question_meant
from workers.fake_llm.filling import fill
from workers.fake_llm.findings import found_in
from workers.fake_llm.prompt import read_prompt
from workers.fake_llm.question import Question

_NOBODY_SAID: Final = "nobody in this conversation ever uttered these particular syllables"
_INVENTED: Final = {**dict.fromkeys(("quote", "value"), _NOBODY_SAID), "by": ["mood"], "values": ["no_such_name"]}


def answer_by_rule(question: Question) -> str:
    """The same answer for the same request: JSON where a shape is asked for, else a sentence."""
    if (asked := read_asked(question)) is not None:
        meant = question_meant(asked)
        return json.dumps(fill(question.schema, meant) if question.schema else meant, ensure_ascii=False)
    reading = read_prompt(question)
    found = found_in(reading)
    if reading.schema is None:
        return str(found["summary"]) if question.format == "text" else "{}"
    return json.dumps(fill(reading.schema, found), ensure_ascii=False)


def with_invented_quotes(answer: str) -> str:
    """The same claims with words that are not in the transcript, the same question with names that are not stored."""
    return json.dumps(_invented(json.loads(answer)), ensure_ascii=False)


def _invented(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return {name: _INVENTED.get(name) or _invented(part) for name, part in value.items()}
    return [_invented(part) for part in value] if isinstance(value, list) else value
