"""How well the knowledge base answers what is asked: questions with and without a hit, and passages never hit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.errors import ConvmineError
from pipeline.knowledge.asking import questions_in
from pipeline.knowledge.finding import find_passages
from pipeline.knowledge.languages import language_of
from pipeline.knowledge.relevance import RELEVANT
from pipeline.knowledge.stored import Quote, StoredPassage, quote
from pipeline.ports import Order, VectorStore, Where
from pipeline.store.collections import UTTERANCES
from schemas.wire import Role

MOST_QUESTIONS: Final = 2_000
"""Asked in one go, the newest of those that are stored; a minute's work."""
_PAGE: Final = 1_000
_LOOKED_AT: Final = 3
"""Passages of an answer that count as hit."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, in which language."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A question that no passage answers, how often it was asked, and how near the best one came, 0 to 1."""

    question: str
    language: str
    times: int
    relevance: float
    nearest: str | None


@dataclass(frozen=True, slots=True)
class Hits:
    """``hit_rate`` is None where nothing was asked; then no passage counts as never hit, either."""

    asked: int
    answered: int
    hit_rate: float | None
    misses: tuple[Miss, ...]
    never_hit: tuple[Quote, ...]


async def hits(
    store: VectorStore,
    questions: Mapping[Question, int],
    passages: Sequence[StoredPassage],
    *,
    tenant_id: str,
    scenario: str,
) -> Hits:
    """Ask each question once; how often it was asked counts in the rate.

    Raises:
        Retryable: the store is away.
    """
    hit: set[str] = set()
    misses: list[Miss] = []
    for question, times in questions.items():
        found = await find_passages(
            store,
            question.text,
            tenant_id=tenant_id,
            scenario=scenario,
            language=question.language,
            most=_LOOKED_AT,
            least=0.0,
        )
        answers = [one for one in found if one.relevance >= RELEVANT]
        hit.update(one.passage.passage_id for one in answers)
        if not answers:
            best, nearest = (found[0].relevance, found[0].passage.source) if found else (0.0, None)
            misses.append(Miss(question.text, question.language, times, best, nearest))
    asked = sum(questions.values())
    answered = asked - sum(miss.times for miss in misses)
    never = [one.passage for one in passages if one.passage.passage_id not in hit] if asked else []
    return Hits(
        asked,
        answered,
        round(answered / asked, 4) if asked else None,
        tuple(sorted(misses, key=lambda one: (-one.times, one.relevance, one.question))),
        tuple(map(quote, never)),
    )


async def stored_questions(
    store: VectorStore, *, tenant_id: str, scenario: str, since: datetime
) -> dict[Question, int]:
    """What customers asked in calls that began since then, newest first, and how often; alike but for case is the same.

    Raises:
        Retryable: the store is away.
    """
    where = Where(
        equal={"tenant_id": tenant_id, "scenario": scenario, "role": Role.CUSTOMER.value},
        at_least={"started_ts": since.timestamp()},
    )
    fields = ("text", "language", "started_ts")
    counts: dict[str, tuple[Question, int]] = {}
    after: str | None = None
    while True:
        page, after = await store.page(
            UTTERANCES, where, _PAGE, after, order=Order("started_ts", descending=True), fields=fields
        )
        for utterance in page:
            language = str(utterance.payload.get("language") or "en")
            for text in questions_in(str(utterance.payload.get("text") or "")):
                question, count = counts.get(text.casefold(), (Question(text, language), 0))
                counts[text.casefold()] = (question, count + 1)
        if after is None or len(counts) >= MOST_QUESTIONS:
            return dict(list(counts.values())[:MOST_QUESTIONS])


def questions_of_file(path: Path, languages: Iterable[str]) -> dict[Question, int]:
    """A question a line, or JSONL rows {"question": …, "language": …}; the language is told from the text if not given.

    Raises:
        ConvmineError: it cannot be read, or has too many questions.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConvmineError(f"{path} cannot be read: {error}") from error
    known = tuple(languages)
    found: dict[Question, int] = {}
    for number, line in enumerate(lines, 1):
        if line:
            question = _question(line, known, f"{path}:{number}")
            found[question] = found.get(question, 0) + 1
    if len(found) > MOST_QUESTIONS:
        raise ConvmineError(f"{path} has {len(found):,} questions, and {MOST_QUESTIONS:,} are the most")
    return found


def _question(line: str, languages: tuple[str, ...], where: str) -> Question:
    try:
        row = json.loads(line) if line.startswith("{") else {"question": line}
        text = str(row["question"])
        language = row.get("language")
    except (ValueError, KeyError, AttributeError) as error:
        raise ConvmineError(f"{where}: expected a question, or a row {{'question': …}}") from error
    return Question(text, str(language) if language else language_of(text, languages))
