"""Two versions of a prompt on the same calls: what was answered before is taken from what is kept, the rest asked."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.backtest.cases import Case
from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.extract.findings import IntentExtractor
from pipeline.extract.stage import conversation_of, mine
from pipeline.extract.whole_summary import SUMMARY_PROMPT
from pipeline.llm.budget import Spent
from pipeline.llm.withheld import Withheld
from pipeline.scenarios.model import Edition, Running, Scenario
from pipeline.scenarios.prompt import Prompt
from pipeline.settings import OPENAI_URL, Settings
from pipeline.workbench.place import Workbench
from pipeline.workbench.stopwatch import Stopwatch
from schemas.insight import CallInsight

AT_ONCE: Final = 16
TRIES: Final = 4
"""How often a call is tried while the server is away or busy, before the back-test stops."""
# A change of what an outcome is made of, or of how it is written, makes the kept ones another version's.
_FORM: Final = 1


class Stopped(ConvmineError):
    """A back-test cannot go on; ``done`` of ``wanted`` extractions are kept, and the next run goes on from there."""

    def __init__(self, cause: ConvmineError, *, done: int, wanted: int) -> None:
        kept = f"; {done} of {wanted} extractions are kept, and the same command goes on from there" if done else ""
        super().__init__(f"{cause.message}{kept}", hint=cause.hint)
        self.done = done
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a prompt with the scenario that runs it, and the model that is asked."""

    prompt: Prompt
    scenario: Scenario
    language: str
    model: str

    @classmethod
    def of(cls, scenario: Scenario, edition: Edition, prompt: Prompt, model: str) -> Version:
        """The version as it would run were it promoted; ``model`` is that of the settings."""
        running = edition.with_running(Running(prompt=prompt.id, version=prompt.version))
        return cls(
            prompt=prompt,
            scenario=scenario.model_copy(update={"editions": {**scenario.editions, edition.language: running}}),
            language=edition.language,
            model=scenario.model_for(prompt) or model,
        )


class Outcome(BaseModel):
    """What came of one version on one call.

    ``failed`` says why there is no insight. Tokens are what the answers took when they were asked for. ``seconds`` is
    how long the model was asked, without waiting for its turn; None where every answer was kept already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    insight: CallInsight | None = None
    failed: str | None = None
    model: str = ""
    reasks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """One version on one call, and the key that its outcome is kept under."""

    version: Version
    case: Case
    key: str


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcomes of each version by its label, in order of the calls; how many were asked for, not kept before."""

    outcomes: Mapping[str, tuple[Outcome, ...]]
    asked: int


@dataclass(frozen=True, slots=True)
class Backtester:
    """Runs versions on calls.

    Args:
        tenant_id: whose calls these are.
        settings: how is asked, and where.
        workbench: where outcomes are kept.
        extractor: makes the one that asks, given the meter that it must tell; made when something has to be asked.
        delay_s: seconds to wait after the given try (from 1) failed with this error.
        at_once: extractions at a time.
        sleep: waits.
    """

    tenant_id: str
    settings: Settings
    workbench: Workbench
    extractor: Callable[[Stopwatch], IntentExtractor]
    delay_s: Callable[[int, BaseException], float]
    at_once: int = AT_ONCE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    watch: Stopwatch = field(default_factory=Stopwatch)

    async def run(
        self, cases: Sequence[Case], versions: Sequence[Version], told: Callable[[Mapping[str, int]], None]
    ) -> Ran:
        """The outcome of each version on each call; each is kept as soon as it is there.

        Args:
            cases: the calls.
            versions: those that are compared; of each call one after the other, so that a half run has half of both.
            told: is called with how many outcomes each version has, by its label, at first and at each further one.

        Raises:
            Stopped: no budget is left, the server is away or refuses the key, or the workbench is away. What was under
                way is waited for, as it is paid for, and kept.
        """
        wanted = list(self._extractions(cases, versions))
        done = {key: read for key, text in (await self._kept(wanted)).items() if (read := _read(text)) is not None}
        missing = [one for one in wanted if one.key not in done]

        counts = {version.prompt.label: 0 for version in versions}
        counts |= Counter(one.version.prompt.label for one in wanted if one.key in done)
        told(counts)

        def keep(one: Extraction, outcome: Outcome) -> None:
            done[one.key] = outcome
            counts[one.version.prompt.label] += 1
            told(counts)

        if missing:
            try:
                await self._ask(missing, keep)
            except ConvmineError as error:
                raise Stopped(error, done=len(done), wanted=len(wanted)) from error
        by_label = {
            version.prompt.label: tuple(done[one.key] for one in wanted if one.version is version)
            for version in versions
        }
        return Ran(by_label, len(missing))

    def _extractions(self, cases: Sequence[Case], versions: Sequence[Version]) -> Iterator[Extraction]:
        made_with = [self._made_with(version) for version in versions]
        for case in cases:
            digest = case.digest
            for version, how in zip(versions, made_with, strict=True):
                key = sha256(json.dumps([how, digest]).encode()).hexdigest()
                yield Extraction(version, case, key)

    def _made_with(self, version: Version) -> list[object]:
        """All that an outcome depends on, but the call."""
        settings = self.settings
        extract = settings.extract.model_dump(
            mode="json",
            include={"reasks", "most_tokens", "votes", "vote_temperature", "chunk_tokens", "overlap_turns"},
        )
        server = settings.llm.base_url or OPENAI_URL
        return [_FORM, self.tenant_id, version.prompt.digest, _content(version), version.model, server, extract]

    async def _kept(self, wanted: Sequence[Extraction]) -> Mapping[str, str]:
        try:
            return await self.workbench.outcomes([one.key for one in wanted])
        except Retryable as error:
            raise Stopped(error, done=0, wanted=len(wanted)) from error

    async def _ask(self, missing: Sequence[Extraction], keep: Callable[[Extraction, Outcome], None]) -> None:
        """Raises the first failure that is no call's own, when what was under way has ended."""
        waiting = deque(missing)
        extractor = self.extractor(self.watch)

        async def work() -> None:
            while waiting:
                one = waiting.popleft()
                try:
                    keep(one, await self._outcome(one, extractor))
                except BaseException:
                    waiting.clear()
                    raise

        try:
            ends = await asyncio.gather(*(work() for _ in range(self.at_once)), return_exceptions=True)
        finally:
            await extractor.close()
        for failure in filter(None, ends):
            raise failure

    async def _outcome(self, one: Extraction, extractor: IntentExtractor) -> Outcome:
        subject = f"{self.tenant_id}:{one.case.transcript.call_id}"
        try:
            outcome = await self._mined(one, extractor)
        except Withheld as error:
            spent = error.spent
            outcome = Outcome(
                failed=error.message,
                model=one.version.model,
                reasks=max(0, spent.tries - 1),
                input_tokens=spent.input_tokens,
                output_tokens=spent.output_tokens,
                seconds=self.watch.seconds(),
            )
        except Spent:
            raise
        except Poison as error:
            # The server refuses the request: nothing was paid, and with another setting it may take it.
            return Outcome(failed=error.message, model=one.version.model)
        await self.workbench.keep_outcome(one.key, outcome.model_dump_json(exclude_defaults=True), subject=subject)
        return outcome

    async def _mined(self, one: Extraction, extractor: IntentExtractor) -> Outcome:
        """The outcome; tried again while the server is away or busy."""
        tries = 0
        while True:
            tries += 1
            self.watch.start()
            try:
                insight = await self._insight(one, extractor)
            except Retryable as error:
                if tries == TRIES:
                    raise
                await self.sleep(self.delay_s(tries, error))
            else:
                made = insight.provenance
                return Outcome(
                    insight=insight,
                    model=made.model,
                    reasks=made.reasks,
                    input_tokens=made.input_tokens,
                    output_tokens=made.output_tokens,
                    seconds=self.watch.seconds(),
                )

    async def _insight(self, one: Extraction, extractor: IntentExtractor) -> CallInsight:
        scenario, transcript = one.version.scenario, one.case.transcript
        told = conversation_of(transcript, lambda _name, _tenant: scenario, scenario.id, self.tenant_id)
        conversation = replace(told, edition=scenario.editions[one.version.language])
        return await mine(self.tenant_id, transcript, conversation, extractor)


def _content(version: Version) -> str:
    """SHA-256, in hex, of what an extraction takes of its scenario besides the prompt that is compared."""
    edition = version.scenario.editions[version.language]
    summary = [prompt.digest for prompt in edition.prompts if prompt.id == SUMMARY_PROMPT]
    running = [one.model_dump_json() for one in edition.running if one.prompt == SUMMARY_PROMPT]
    model = version.scenario.models.get(SUMMARY_PROMPT)
    told = edition.model_dump_json(include={"language", "title", "taxonomy", "words", "examples"})
    return sha256(json.dumps([version.scenario.id, told, summary, running, model]).encode()).hexdigest()


def _read(text: str) -> Outcome | None:
    """A kept outcome; None of one that another release wrote, which is asked for anew."""
    try:
        return Outcome.model_validate_json(text)
    except ValidationError:
        return None
