"""From a question in plain words to a validated question: a language model is asked which one is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from pipeline.errors import Config, ConvmineError
from pipeline.extract.data_line import data_line
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.withheld import Withheld
from pipeline.ports import Account, ChatMessage, ChatRequest
from pipeline.questions.fields import FIELDS
from pipeline.questions.narrowing import Asking
from pipeline.questions.wording.model_answer import Declined, Meant, question_schema, read_question
from pipeline.questions.wording.vocabulary import Names, names_in
from pipeline.scenarios.model import Scenario
from pipeline.scenarios.prompt import Prompt, PromptError, render

ASK_PROMPT: Final = "ask"
FILLED: Final = frozenset({"today", "weekday", "fields", "names", "question"})
"""The parameters that are filled here; what else a prompt declares needs a default."""
LONGEST: Final = 1_000
"""Characters of a question in words."""
_STAGE: Final = "ask"
_MOST_NAMES: Final = 60
_LONGEST_NAME: Final = 80
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


class NotAQuestion(ConvmineError):
    """What was asked cannot be put as a question of the calls; the hint says what can."""


@dataclass(frozen=True, slots=True)
class Worded:
    """The question that was meant, and what it took to find out; nothing where the answer was kept."""

    question: Meant
    model: str
    reasks: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Listed:
    """The names of one field as a prompt shows them, and how many more there are."""

    field: str
    names: tuple[str, ...]
    more: int


async def worded(
    chat: GuardedChat, scenario: Scenario, asking: Asking, text: str, *, language: str | None = None
) -> Worded:
    """The question that these words mean, of the names that the asker may see.

    Args:
        chat: who is asked, as ``pipeline.extract.registry.open_chat`` opens it.
        scenario: whose prompt ``ask`` is sent, and whose budget it is.
        asking: of which store, by whom, and when: days such as "last week" are reckoned from there.
        text: the words, at most ``LONGEST`` characters.
        language: that of the prompt; without one Chinese where there is a Chinese character in the text, else English.

    Raises:
        NotAQuestion: the words are none or too many, or no valid question came of them.
        Spent: a cap leaves no room.
        Retryable: the model or the store is away.
        Config: the scenario has no such prompt, or the model refuses the key.
    """
    check_words(text)
    edition = scenario.edition(language or ("zh" if _HAN.search(text) else "en"))
    tenant_id = asking.asker.tenant_id
    if (prompt := edition.prompt(ASK_PROMPT)) is None:
        where = f"scenario {scenario.id!r} in {edition.language!r}"
        raise Config("CONVMINE_EXTRACT_SCENARIO", f"{where} has no prompt {ASK_PROMPT!r}")
    names = await names_in(asking)
    request = ChatRequest(
        messages=_messages(prompt, text, names, asking.now.date()),
        json_schema=question_schema(),
        schema_name=prompt.label.replace(".", "_"),
        temperature=prompt.temperature,
        max_tokens=prompt.max_tokens,
        prompt_version=prompt.label,
        account=Account(tenant_id, stage=_STAGE, scenario=scenario.id),
        model=scenario.model_for(prompt),
    )
    try:
        asked = await chat.ask(request, partial(read_question, names=names), subject=f"{tenant_id}:")
    except Withheld as error:
        raise NotAQuestion(f"no question came of these words: {error.message}", hint=error.hint) from error
    if isinstance(asked.value, Declined):
        raise NotAQuestion(
            f"this is no question of the calls: {asked.value.why}",
            hint="what can be asked: what was said (search), lists (query), counts, shares, win rates and handle times "
            "(aggregate), what rises (trend), differences (compare), calls like one (similar), an agent (coach)",
        )
    said = asked.said
    return Worded(asked.value, said.model, said.reasks, said.input_tokens, said.output_tokens)


def check_words(text: str) -> None:
    """Nothing, where a model can be asked about the text.

    Raises:
        NotAQuestion: there are no words, or too many.
    """
    if not text.strip():
        raise NotAQuestion("there is no question", hint="such as: which intents rose last month?")
    if len(text) > LONGEST:
        raise NotAQuestion(f"the question has {len(text):,} characters, {LONGEST:,} may be asked")


def messages_of(prompt: Prompt, text: str, names: Names, today: date, **own: object) -> tuple[ChatMessage, ...]:
    """The messages that ask for the question that is meant; its words and the stored names go in as data.

    Raises:
        PromptError: a declared parameter has no value, or the template refuses.
    """
    available = {
        "today": today.isoformat(),
        "weekday": today.isoweekday(),
        "fields": tuple(FIELDS.values()),
        "names": _listed(names),
        "question": data_line(text),
    }
    filled = {name: available[name] for name in prompt.parameters if name in available}
    return render(prompt, **{**filled, **own})


def _messages(prompt: Prompt, text: str, names: Names, today: date) -> tuple[ChatMessage, ...]:
    try:
        return messages_of(prompt, text, names, today)
    except PromptError as error:
        raise Config("CONVMINE_EXTRACT_SCENARIO", str(error)) from error


def _listed(names: Names) -> Sequence[Listed]:
    """The most frequent names of each field, each on no more than a line."""
    return tuple(
        Listed(field, tuple(data_line(name)[:_LONGEST_NAME] for name in found[:_MOST_NAMES]), len(found[_MOST_NAMES:]))
        for field, found in names.items()
        if found
    )
