"""The extractor that asks a language model, unless it has said already: prompt, answer, re-asks, grounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipeline.errors import Config, Poison
from pipeline.extract.answer import Answer, AnsweredOutcome, AnswerInvalid, answer_schema, read_answer
from pipeline.extract.findings import SIDES, Conversation, Findings, FoundEntity, FoundIntent
from pipeline.extract.grounding import ground
from pipeline.extract.wording import wording
from pipeline.llm.answer_key import answer_key
from pipeline.llm.caches import NoCache
from pipeline.ports import ChatMessage, ChatModel, ChatRequest, KeptAnswer, ResponseCache
from pipeline.scenarios.model import Edition
from pipeline.scenarios.prompt import Prompt, PromptError, render
from schemas.insight import Evidence, Extractor, InferredOutcome, Provenance
from schemas.transcript import Segment

_PROMPT: Final = "extract"
_REASK: Final = "Your answer is not valid: {error}. Give the whole corrected JSON object and nothing else."


class LlmExtractor:
    """Asks a chat model with the scenario's own prompt; what it answered before, and was valid, is not asked again.

    Args:
        model: who is asked.
        reasks: how often an answer that is not valid is sent back with what is wrong with it.
        cache: where valid answers are kept; without one, nowhere.
        server: where the model is served: its answers stand for no other server's.
    """

    def __init__(
        self, model: ChatModel, *, reasks: int = 1, cache: ResponseCache | None = None, server: str = ""
    ) -> None:
        self._model = model
        self._reasks = reasks
        self._cache = cache or NoCache()
        self._server = server

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
        )
        answered = await self._answered(request, conversation)
        findings = _grounded(answered.answer, by_id, conversation.edition)
        return Findings(
            intents=findings.intents,
            outcome=findings.outcome,
            summary=answered.answer.summary.strip(),
            entities=findings.entities,
            provenance=Provenance(
                extractor=Extractor.LLM,
                model=answered.said.model,
                scenario=conversation.scenario.id,
                scenario_version=conversation.scenario.version,
                prompt_version=prompt.label,
                reasks=answered.said.reasks,
                dropped_ungrounded=findings.dropped,
                input_tokens=answered.said.input_tokens,
                output_tokens=answered.said.output_tokens,
            ),
        )

    async def close(self) -> None:
        """Close the connections of the model and of the cache."""
        try:
            await self._model.close()
        finally:
            await self._cache.close()

    async def _answered(self, request: ChatRequest, conversation: Conversation) -> _Answered:
        """The answer that is kept, or else the model's; that one is kept under the key of the first request."""
        edition = conversation.edition
        key = answer_key(request, model=self._model.name, server=self._server)
        if (kept := _valid(await self._cache.get(key), edition)) is not None:
            return kept
        asked = await self._ask(request, edition)
        # Another worker may have been quicker with the same event: then both go on with its answer.
        return _valid(await self._cache.put(key, asked.said, subject=conversation.subject), edition) or asked

    async def _ask(self, request: ChatRequest, edition: Edition) -> _Answered:
        input_tokens = output_tokens = 0
        for reasks in range(self._reasks + 1):
            said = await self._model.answer(request)
            input_tokens, output_tokens = input_tokens + said.input_tokens, output_tokens + said.output_tokens
            try:
                answer = read_answer(said.text, edition)
            except AnswerInvalid as error:
                problem = error
                request = replace(
                    request,
                    messages=(
                        *request.messages,
                        ChatMessage("assistant", said.text),
                        ChatMessage("user", _REASK.format(error=error)),
                    ),
                )
            else:
                whole = KeptAnswer(said.text, said.model, said.finish_reason, reasks, input_tokens, output_tokens)
                return _Answered(answer, whole)
        tries = f"{self._reasks + 1} {'try' if self._reasks == 0 else 'tries'}"
        raise Poison(f"the model {self._model.name} gave no valid answer in {tries}: {problem}") from problem


@dataclass(frozen=True, slots=True)
class _Answered:
    answer: Answer
    said: KeptAnswer


@dataclass(frozen=True, slots=True)
class _Grounded:
    intents: tuple[FoundIntent, ...]
    entities: tuple[FoundEntity, ...]
    outcome: InferredOutcome | None
    dropped: int


def _valid(kept: KeptAnswer | None, edition: Edition) -> _Answered | None:
    if kept is None:
        return None
    try:
        return _Answered(read_answer(kept.text, edition), kept)
    except AnswerInvalid:
        return None


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


def _grounded(answer: Answer, by_id: Mapping[str, Segment], edition: Edition) -> _Grounded:
    roles = {intent.name: intent.role for intent in edition.taxonomy.intents}
    intents = [
        FoundIntent(claim.intent, claim.confidence, evidence)
        for claim in answer.intents
        if (evidence := ground(by_id, claim.segment, claim.quote)) and roles[claim.intent] in SIDES[evidence.role]
    ]
    entities = [
        FoundEntity(slot.entity, evidence.quote, evidence)
        for slot in answer.entities
        if (evidence := ground(by_id, slot.segment, slot.value))
    ]
    outcome = _outcome(answer.outcome, by_id, edition)
    claimed = len(answer.intents) + len(answer.entities) + (answer.outcome is not None)
    kept = len(intents) + len(entities) + (outcome is not None)
    intents.sort(key=lambda intent: intent.evidence.start_ms)
    return _Grounded(tuple(intents), tuple(entities), outcome, claimed - kept)


def _outcome(
    answered: AnsweredOutcome | None, by_id: Mapping[str, Segment], edition: Edition
) -> InferredOutcome | None:
    if answered is None or (evidence := ground(by_id, answered.segment, answered.quote)) is None:
        return None
    definition = edition.taxonomy.outcome(answered.name)
    assert definition is not None
    return InferredOutcome(
        name=definition.name,
        result=definition.result,
        reason=_reason(evidence, edition),
        evidence=(evidence,),
    )


def _reason(evidence: Evidence, edition: Edition) -> str:
    words = wording(edition.language)
    return words.model_reason.format(role=words.roles[evidence.role], quote=evidence.quote)
