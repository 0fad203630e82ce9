"""One version of a prompt on one model and one call: the call is mined as if that version ran, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pipeline.errors import Poison
from pipeline.extract.chunks import turns_of
from pipeline.extract.findings import Conversation
from pipeline.extract.prompting import EXTRACT_PROMPT, messages_of
from pipeline.extract.registry import llm_extractor, open_chat
from pipeline.extract.stage import conversation_of, mine
from pipeline.extract.whole_summary import SUMMARY_PROMPT
from pipeline.llm.budget import Spent
from pipeline.llm.withheld import Took, Withheld
from pipeline.ports import ChatMessage
from pipeline.scenarios.model import Edition, Running, Scenario
from pipeline.scenarios.prompt import Prompt
from pipeline.settings import Settings
from pipeline.workbench.parameters import own_values
from pipeline.workbench.stopwatch import Stopwatch
from schemas.insight import CallInsight
from schemas.transcript import TranscriptCompleted

MINED_WITH: Final = (EXTRACT_PROMPT, SUMMARY_PROMPT)
"""The prompts that a call is mined with; the second one where it is read in chunks."""


@dataclass(frozen=True, slots=True)
class Given:
    """A masked call, the scenario and the language that it is mined by, and values of prompts' own parameters.

    Values that a prompt does not declare are passed over.
    """

    call: TranscriptCompleted
    scenario: Scenario
    edition: Edition
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def conversation(self, tenant_id: str) -> Conversation:
        """The words to be mined."""
        found = conversation_of(self.call, lambda *_: self.scenario, self.scenario.id, tenant_id)
        return replace(found, edition=self.edition)

    def messages(self, prompt: Prompt) -> tuple[ChatMessage, ...]:
        """What a prompt about the whole call looks like.

        Raises:
            PromptError: a declared parameter has no value, or the template refuses.
        """
        conversation = self.conversation("")
        own = own_values(prompt, self.parameters)
        return messages_of(prompt, conversation, turns_of(conversation.segments), **own)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. ``insight`` is None where no valid answer came; ``error`` says why.

    ``seconds`` is how long the model was asked, without waiting for its turn; None where the answers were kept. The
    tokens and the cost are what the answers took when they were asked for.
    """

    prompt: str
    digest: str
    model: str
    insight: CallInsight | None = None
    seconds: float | None = None
    reasks: int = 0
    dropped_ungrounded: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    error: str | None = None

    @property
    def is_of_one_piece(self) -> bool:
        """Whether the call was read in one piece, so that no summary of summaries was asked for."""
        return self.insight is not None and self.insight.provenance.chunks == 1


class Trials:
    """Runs versions on models, all within one budget, at one pace and with the answers that are kept.

    Args:
        settings: the groups EXTRACT, LLM and BUDGET. Nobody answers instead of the model here, and the cap of a call
            does not hold: it is one for one version.
    """

    def __init__(self, settings: Settings) -> None:
        budget = settings.budget.model_copy(update={"call_tokens": None, "call_usd": None})
        self._settings = settings.model_copy(update={"budget": budget})
        self._watch = Stopwatch()
        self._extractor = llm_extractor(self._settings, open_chat(self._settings, self._watch))

    async def run(self, prompt: Prompt, model: str, given: Given) -> Trial:
        """Mine the call with this version, and with this model for all that it takes; each run is a task of its own.

        Raises:
            Spent: a cap leaves no room.
            Retryable, Config: as the model raises them.
        """
        tenant_id = self._settings.tenant
        conversation = replace(given.conversation(tenant_id), edition=running(given, prompt, model))
        trial = Trial(prompt.label, prompt.digest, model)
        self._watch.start()
        try:
            insight = await mine(tenant_id, given.call, conversation, self._extractor)
        except Spent:
            raise
        except Poison as error:
            spent = error.spent if isinstance(error, Withheld) else Took()
            return replace(
                trial,
                error=error.message,
                seconds=self._watch.seconds(),
                reasks=max(0, spent.tries - 1),
                input_tokens=spent.input_tokens,
                output_tokens=spent.output_tokens,
            )
        made = insight.provenance
        return replace(
            trial,
            insight=insight,
            seconds=self._watch.seconds(),
            reasks=made.reasks,
            dropped_ungrounded=made.dropped_ungrounded,
            input_tokens=made.input_tokens,
            output_tokens=made.output_tokens,
            usd=made.cost_usd,
        )

    async def close(self) -> None:
        """Close the connections of the model and of the cache."""
        await self._extractor.close()


def running(given: Given, prompt: Prompt, model: str) -> Edition:
    """The edition that runs this version, with all its prompts on this model and with the values that are given."""

    def prepared(one: Prompt) -> Prompt:
        defaults = {**one.defaults, **own_values(one, given.parameters)}
        return one.model_copy(update={"model": model, "defaults": defaults})

    prompts = tuple(prepared(one) for one in given.edition.prompts)
    edition = given.edition.model_copy(update={"prompts": prompts})
    return edition.with_running(Running(prompt=prompt.id, version=prompt.version))
