"""Choosing among approved advice and wording it for the moment, by a language model that is checked and not waited for.

The model can neither add advice nor lose any: whatever it does, what was approved goes out in its own words.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import Config, Poison, Retryable
from pipeline.extract.data_line import data_line
from pipeline.figures import SUGGEST_PHRASED
from pipeline.llm.budget import Spent
from pipeline.llm.guarded import AnswerInvalid, Asked, GuardedChat
from pipeline.llm.tolerant_json import read_json
from pipeline.ports import Account, ChatMessage, ChatRequest, Meter
from pipeline.scenarios.model import Edition, Scenario
from pipeline.scenarios.prompt import Prompt, PromptError, render
from pipeline.suggest.facts import refused
from schemas.wire import Role

SUGGEST_PROMPT: Final = "suggest"
FILLED: Final = frozenset({"scenario_title", "candidates", "turns"})
"""The parameters that are filled here."""
MOST_OFFERED: Final = 4
"""Pieces of advice that the model chooses among: with two passages each some 1,500 tokens."""
_FAILURES: Final = 3
"""In a row, after which the model is not asked for a while: each would hold a suggestion back for the whole time."""
_PAUSE_S: Final = 30.0
# What a page or a customer says to a model and not to a reader: a passage that has it is not shown to the model.
_COMMANDS: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|rules?|prompts?|above|previous|prior)\b"
    r"|\byou are (?:now|no longer)\b|\bsystem prompt\b|\bas an? (?:ai|language model|assistant)\b"
    r"|</?(?:candidates|turns)"
    r"|忽略.{0,12}(?:指令|指示|规则|提示|上文|以上|之前)|无视.{0,12}(?:指令|指示|规则)|你现在是|系统提示"
    r"|作为(?:一个)?(?:AI|人工智能|语言模型)",
    re.IGNORECASE | re.DOTALL,
)

log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Offer:
    """A piece of approved advice; ``passages`` are the texts that back it."""

    title: str
    text: str
    passages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said last."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Whose call it is, and what was said last in it, oldest first."""

    scenario: Scenario
    edition: Edition
    tenant_id: str
    call_id: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Phrased:
    """Which of the offers was chosen, and its new words with the model's name; no words where its own stay."""

    place: int
    text: str | None = None
    model: str | None = None


class Phrase(Protocol):
    """Chooses one of the offers and may word it anew; None where that is left to who asks.

    Raises:
        Config: the key or the model's name is wrong.
    """

    async def __call__(self, offers: Sequence[Offer], moment: Moment) -> Phrased | None: ...


class PhrasedByModel:
    """Asks a chat model with the scenario's prompt ``suggest``.

    Args:
        chat: who is asked.
        timeout_s: seconds that the model may take.
        meter: counts how it ended.
        clock: in seconds.
    """

    def __init__(
        self, chat: GuardedChat, *, timeout_s: float, meter: Meter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._chat = chat
        self._timeout_s = timeout_s
        self._meter = meter
        self._clock = clock
        self._failures = 0
        self._asked_again_at = 0.0

    async def __call__(self, offers: Sequence[Offer], moment: Moment) -> Phrased | None:
        """The model's choice and wording; None where it gives none, or an offer itself speaks to a model."""
        offers = offers[:MOST_OFFERED]
        if any(_COMMANDS.search(f"{offer.title}\n{offer.text}") for offer in offers):
            self._count(moment, "commands")
            return None
        if self._failures >= _FAILURES and self._clock() < self._asked_again_at:
            self._count(moment, "away")
            return None
        answer = await self._answer(offers, moment)
        if isinstance(answer, str):
            self._count(moment, answer)
            return None
        return self._checked(answer, offers, moment)

    async def _answer(self, offers: Sequence[Offer], moment: Moment) -> Asked[_Answer] | str:
        """The model's answer, or the name of what stood in its way."""
        if (request := _request(offers, moment)) is None:
            return "no_prompt"
        subject, count = f"{moment.tenant_id}:{moment.call_id}", len(offers)
        asking = self._chat.ask(request, lambda text: _read(text, count), subject=subject)
        try:
            asked = await asyncio.wait_for(asking, self._timeout_s)
        except (TimeoutError, Retryable) as error:
            self._failures += 1
            self._asked_again_at = self._clock() + _PAUSE_S
            return "away" if isinstance(error, Retryable) else "too_slow"
        except Spent:
            return "spent"
        except Poison as error:
            log.info("suggest.no_wording", call_id=moment.call_id, reason=type(error).__name__)
            return "invalid"
        self._failures = 0
        return asked

    async def close(self) -> None:
        """Close the model's connections."""
        await self._chat.close()

    def _checked(self, asked: Asked[_Answer], offers: Sequence[Offer], moment: Moment) -> Phrased:
        place, text = int(asked.value.candidate[1:]) - 1, " ".join(asked.value.text.split())
        offer = offers[place]
        if not text or text == " ".join(offer.text.split()):
            self._count(moment, "own_words")
            return Phrased(place)
        why = refused(text, f"{offer.title}\n{offer.text}", _shown(offer))
        self._count(moment, "phrased" if why is None else f"refused_{why}")
        return Phrased(place) if why is not None else Phrased(place, text, asked.said.model)

    def _count(self, moment: Moment, outcome: str) -> None:
        self._meter.count(SUGGEST_PHRASED, outcome=outcome, scenario=moment.scenario.id)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: str
    text: str


def _request(offers: Sequence[Offer], moment: Moment) -> ChatRequest | None:
    """What to ask; None where the edition has no such prompt. Raises Config: the prompt declares other parameters."""
    prompt = moment.edition.prompt(SUGGEST_PROMPT, moment.call_id)
    if prompt is None:
        return None
    try:
        messages = messages_of(prompt, offers, moment.turns, moment.edition)
    except PromptError as error:
        raise Config("CONVMINE_SUGGEST_PHRASING", str(error)) from error
    return ChatRequest(
        messages=messages,
        json_schema=_schema(len(offers)),
        schema_name=prompt.label.replace(".", "_"),
        temperature=prompt.temperature,
        max_tokens=prompt.max_tokens,
        prompt_version=prompt.label,
        account=Account(moment.tenant_id, moment.call_id, "suggest", moment.scenario.id),
        model=moment.scenario.model_for(prompt),
    )


def messages_of(
    prompt: Prompt, offers: Sequence[Offer], turns: Sequence[Turn], edition: Edition
) -> tuple[ChatMessage, ...]:
    """The messages that ask; offers and turns go in as data, a line of JSON each, between the prompt's marks.

    Raises:
        PromptError: the prompt declares other parameters than ``FILLED``, or the template refuses.
    """
    return render(
        prompt,
        scenario_title=edition.title,
        candidates=[_line(_content(offer, f"c{number}")) for number, offer in enumerate(offers, 1)],
        turns=[_line({"role": turn.role.value, "text": turn.text}) for turn in turns],
    )


def _content(offer: Offer, name: str) -> Mapping[str, object]:
    return {"id": name, "title": offer.title, "text": offer.text, "knowledge": list(_shown(offer))}


def _shown(offer: Offer) -> tuple[str, ...]:
    """The passages that speak to a reader."""
    return tuple(passage for passage in offer.passages if _COMMANDS.search(passage) is None)


def _line(content: Mapping[str, object]) -> str:
    """Data on one line of JSON, which can end neither the line nor the data around it."""
    return data_line(json.dumps(content, ensure_ascii=False))


def _schema(count: int) -> Mapping[str, Any]:
    names = [f"c{number}" for number in range(1, count + 1)]
    return {
        "type": "object",
        "properties": {"candidate": {"type": "string", "enum": names}, "text": {"type": "string"}},
        "required": ["candidate", "text"],
        "additionalProperties": False,
    }


def _read(text: str, count: int) -> _Answer:
    """The answer; raises AnswerInvalid where it names no candidate."""
    try:
        answer = _Answer.model_validate(read_json(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise AnswerInvalid(f"{'.'.join(map(str, first['loc'])) or 'the answer'}: {first['msg']}") from error
    if answer.candidate not in {f"c{number}" for number in range(1, count + 1)}:
        raise AnswerInvalid(f"candidate: there is none of this id; there are c1 to c{count}")
    return answer
