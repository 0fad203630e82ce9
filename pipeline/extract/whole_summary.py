"""The summary of a call that was read in chunks, out of the summaries of the chunks: one more, small request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.extract.findings import Conversation
from pipeline.extract.wording import wording
from pipeline.extract.words import clause_ends
from pipeline.llm.guarded import AnswerInvalid
from pipeline.llm.tolerant_json import read_json
from pipeline.ports import Account, ChatRequest
from pipeline.scenarios.prompt import Prompt, render

SUMMARY_PROMPT: Final = "summary"
LONGEST: Final = 1_200
"""Characters of a summary: some eight sentences. A longer one is cut where a clause ends."""
# Characters of all chunks' summaries together, some 6,000 tokens of English: fifty chunks of three sentences fit.
_MOST_SHOWN: Final = 24_000


class _SummaryAnswer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    summary: str = Field(min_length=1)


def summary_request(
    prompt: Prompt, summaries: Sequence[str], conversation: Conversation, account: Account
) -> ChatRequest:
    """Ask for one summary of all.

    Raises:
        PromptError: the prompt declares other parameters than ``scenario_title`` and ``summaries``.
    """
    share = _MOST_SHOWN // len(summaries)
    return ChatRequest(
        messages=render(
            prompt, scenario_title=conversation.edition.title, summaries=[bounded(one, share) for one in summaries]
        ),
        json_schema=_schema(),
        schema_name=prompt.label.replace(".", "_"),
        temperature=prompt.temperature,
        max_tokens=prompt.max_tokens,
        prompt_version=prompt.label,
        account=account,
        model=conversation.scenario.model_for(prompt),
    )


def read_summary(text: str) -> str:
    """The summary that was answered.

    Raises:
        AnswerInvalid: it is not what was asked for.
    """
    try:
        return _SummaryAnswer.model_validate(read_json(text)).summary
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise AnswerInvalid(f"{'.'.join(map(str, first['loc'])) or 'the answer'}: {first['msg']}") from error


def joined_summary(summaries: Sequence[str], language: str) -> str:
    """The chunks' summaries one after the other, each with the same share of the longest summary there is."""
    share = max(1, LONGEST // max(1, len(summaries)) - 1)
    return wording(language).joint.join(bounded(one, share) for one in summaries)


def bounded(summary: str, most: int) -> str:
    """The text, or as many of its clauses as fit into so many characters, with ``…``."""
    summary = summary.strip()
    if len(summary) <= most:
        return summary
    kept = summary[: max(0, most - 1)]
    ends = clause_ends(kept)
    return f"{kept[: ends[-1]] if ends else kept}…"


def _schema() -> dict[str, Any]:
    return _SummaryAnswer.model_json_schema()
