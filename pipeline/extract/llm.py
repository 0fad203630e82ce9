"""The extractor that asks a language model: the scenario's prompt, its answer, and what of it stands on evidence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from pipeline.errors import Config
from pipeline.extract.answer import answer_schema, read_answer
from pipeline.extract.claims import grounded
from pipeline.extract.findings import Conversation, Findings
from pipeline.llm.guarded import GuardedChat
from pipeline.ports import Account, ChatMessage, ChatRequest
from pipeline.scenarios.prompt import Prompt, PromptError, render
from schemas.insight import Extractor, Provenance
from schemas.transcript import Segment

_PROMPT: Final = "extract"
_STAGE: Final = "extract"


class LlmExtractor:
    """Asks a chat model with the scenario's own prompt."""

    def __init__(self, chat: GuardedChat) -> None:
        self._chat = chat

    async def extract(self, conversation: Conversation) -> Findings:
        """Raises what the model raises, and ``Poison`` where no valid answer came."""
        prompt = _prompt(conversation)
        by_id = {f"s{number}": segment for number, segment in enumerate(conversation.segments, 1)}
        request = ChatRequest(
            messages=_messages(prompt, conversation, by_id),
            json_schema=answer_schema(conversation.edition),
            schema_name=prompt.label.replace(".", "_"),
            temperature=prompt.temperature,
            max_tokens=prompt.max_tokens,
            prompt_version=prompt.label,
            account=_account(conversation),
        )
        edition = conversation.edition
        asked = await self._chat.ask(request, partial(read_answer, edition=edition), subject=conversation.subject)
        findings, said = grounded(asked.value, by_id, edition), asked.said
        return Findings(
            intents=findings.intents,
            outcome=findings.outcome,
            summary=asked.value.summary.strip(),
            entities=findings.entities,
            provenance=Provenance(
                extractor=Extractor.LLM,
                model=said.model,
                scenario=conversation.scenario.id,
                scenario_version=conversation.scenario.version,
                prompt_version=prompt.label,
                reasks=said.reasks,
                dropped_ungrounded=findings.dropped,
                input_tokens=said.input_tokens,
                output_tokens=said.output_tokens,
            ),
        )

    async def close(self) -> None:
        """Close the connections of the model and of the cache."""
        await self._chat.close()


def _prompt(conversation: Conversation) -> Prompt:
    if (prompt := conversation.edition.prompt(_PROMPT)) is None:
        raise Config(
            "CONVMINE_EXTRACT_SCENARIO",
            f"scenario {conversation.scenario.id!r} has no prompt {_PROMPT!r} in {conversation.edition.language!r}",
        )
    return prompt


def _messages(prompt: Prompt, conversation: Conversation, by_id: Mapping[str, Segment]) -> tuple[ChatMessage, ...]:
    """What the prompt declares, out of what there is; the transcript goes in as data between the prompt's marks."""
    edition = conversation.edition
    available: dict[str, object] = {
        "scenario_title": edition.title,
        "intents": edition.taxonomy.intents,
        "topics": edition.taxonomy.topics,
        "outcomes": edition.taxonomy.outcomes,
        "entities": edition.taxonomy.entities,
        "turns": [
            {"id": name, "role": segment.role.value, "start_s": segment.start_ms / 1_000, "text": segment.text}
            for name, segment in by_id.items()
        ],
    }
    try:
        return render(prompt, **{name: value for name, value in available.items() if name in prompt.parameters})
    except PromptError as error:
        raise Config("CONVMINE_EXTRACT_SCENARIO", str(error)) from error


def _account(conversation: Conversation) -> Account:
    tenant_id, _, call_id = conversation.subject.partition(":")
    return Account(tenant_id, call_id, _STAGE, conversation.scenario.id)
