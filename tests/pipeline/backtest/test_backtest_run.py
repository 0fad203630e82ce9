"""Versions on calls: each answer is paid for once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest
from mined_calls import transcript

from pipeline.backtest.cases import Case
from pipeline.backtest.run import TRIES, Backtester, Outcome, Ran, Stopped, Version
from pipeline.errors import Config, ConvmineError, Poison, Retryable
from pipeline.extract.findings import Conversation, Findings
from pipeline.llm.budget import Spent
from pipeline.llm.withheld import Took, Why, Withheld
from pipeline.scenarios.load import shipped
from pipeline.settings import ExtractSettings, LlmSettings, Settings
from pipeline.testing import InMemoryWorkbench
from schemas.insight import Extractor, Provenance

SCENARIO = shipped("telecom")
EDITION = SCENARIO.edition("en")
PROMPTS = {prompt.label: prompt for prompt in EDITION.prompts}
LABELS = ("extract.v1", "extract.v2")
VERSIONS = tuple(Version.of(SCENARIO, EDITION, PROMPTS[label], "gpt-x") for label in LABELS)
SETTINGS = Settings(extract=ExtractSettings(extractor="llm"), llm=LlmSettings(base_url="http://127.0.0.1:1/v1"))
Fails = Callable[[str, int], BaseException | None]


class Asked:
    """An extractor that answers after a moment, and fails as it is told by the call's and its version's name."""

    def __init__(self, fails: Fails) -> None:
        self._fails = fails
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.closed = False

    async def extract(self, conversation: Conversation) -> Findings:
        prompt = conversation.edition.prompt("extract")
        assert prompt is not None
        name = f"{conversation.subject} {prompt.label}"
        self.asked.append(name)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if (failure := self._fails(name, self.asked.count(name))) is not None:
            raise failure
        made = Provenance(
            extractor=Extractor.LLM, model="gpt-x", scenario="telecom", scenario_version=1,
            prompt_version=prompt.label, input_tokens=10, output_tokens=5,
        )  # fmt: skip
        return Findings((), None, name, made)

    async def close(self) -> None:
        self.closed = True


class Bench:
    """A workbench that outlives runs, and what was asked in all of them."""

    def __init__(self) -> None:
        self.workbench = InMemoryWorkbench()
        self.slept: list[float] = []
        self.told: list[Mapping[str, int]] = []
        self.extractor = Asked(lambda _name, _time: None)

    async def run(
        self,
        calls: int,
        fails: Fails = lambda _name, _time: None,
        *,
        settings: Settings = SETTINGS,
        versions: Sequence[Version] = VERSIONS,
        at_once: int = 3,
    ) -> Ran:
        self.extractor = Asked(fails)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        backtester = Backtester(
            tenant_id="acme",
            settings=settings,
            workbench=self.workbench,
            extractor=lambda _meter: self.extractor,
            delay_s=lambda tries, _error: float(tries),
            at_once=at_once,
            sleep=sleep,
        )
        cases = [Case(transcript(f"c{number}")) for number in range(calls)]
        return await backtester.run(cases, versions, lambda counts: self.told.append(dict(counts)))


def only(name: str, failure: BaseException, times: int = 1_000) -> Fails:
    return lambda asked, time: failure if asked == name and time <= times else None


async def test_each_version_mines_each_call_with_its_own_prompt() -> None:
    bench = Bench()
    ran = await bench.run(5)
    assert Counter(bench.extractor.asked) == Counter(f"acme:c{n} {label}" for n in range(5) for label in LABELS)
    for label in LABELS:
        made = [outcome.insight.provenance.prompt_version for outcome in ran.outcomes[label] if outcome.insight]
        assert made == [label] * 5
    assert bench.extractor.most_at_once == 3
    assert bench.extractor.closed
    assert (bench.told[0], bench.told[-1]) == ({"extract.v1": 0, "extract.v2": 0}, {"extract.v1": 5, "extract.v2": 5})


async def test_a_second_run_asks_for_nothing_and_says_the_same() -> None:
    bench = Bench()
    first = await bench.run(4)
    second = await bench.run(4)
    assert (first.asked, second.asked, bench.extractor.asked) == (8, 0, [])
    assert second.outcomes == first.outcomes
    assert bench.told[-1] == {"extract.v1": 4, "extract.v2": 4}


@pytest.mark.parametrize(
    "failure",
    [
        Config("CONVMINE_LLM_API_KEY", "is refused"),
        Spent("the budget for today is spent", setting="CONVMINE_BUDGET_DAY_USD", scope="day"),
        Retryable("the server is away", dependency="llm"),
    ],
)
async def test_an_end_half_way_keeps_what_was_done_and_the_next_run_asks_for_the_rest(failure: ConvmineError) -> None:
    bench = Bench()
    with pytest.raises(Stopped) as raised:
        await bench.run(6, only("acme:c3 extract.v1", failure))
    assert failure.message in raised.value.message
    assert f"{raised.value.done} of 12 extractions are kept" in raised.value.message
    assert raised.value.hint == failure.hint
    # Two were under way and are waited for, no other is begun; others go on while one is tried again.
    assert 6 <= raised.value.done <= (11 if isinstance(failure, Retryable) else 8)
    before = set(bench.extractor.asked) - {"acme:c3 extract.v1"}
    assert len(before) == raised.value.done
    ran = await bench.run(6)
    assert not before & set(bench.extractor.asked)
    assert ran.asked == len(bench.extractor.asked) == 12 - len(before)


async def test_a_cancelled_run_keeps_what_was_done() -> None:
    bench = Bench()
    with pytest.raises(asyncio.CancelledError):
        await bench.run(6, only("acme:c3 extract.v1", asyncio.CancelledError()), at_once=1)
    ran = await bench.run(6)
    assert ran.asked == 6


async def test_a_server_that_is_away_for_a_moment_is_asked_again() -> None:
    bench = Bench()
    ran = await bench.run(2, only("acme:c1 extract.v2", Retryable("busy", dependency="llm"), TRIES - 1))
    assert all(outcome.insight for outcome in ran.outcomes["extract.v2"])
    assert bench.slept == [1, 2, 3]


async def test_a_call_without_a_valid_answer_fails_alone_and_is_not_paid_for_again() -> None:
    bench = Bench()
    failure = Withheld("no valid answer", why=Why.INVALID, spent=Took(2, 30, 7))
    ran = await bench.run(3, only("acme:c1 extract.v1", failure))
    failed = ran.outcomes["extract.v1"][1]
    assert (failed.insight, failed.failed, failed.reasks) == (None, "no valid answer", 1)
    assert (failed.input_tokens, failed.output_tokens, failed.model) == (30, 7, "gpt-x")
    assert (await bench.run(3)).asked == 0


async def test_a_request_that_the_server_refuses_is_tried_again_in_the_next_run() -> None:
    bench = Bench()
    ran = await bench.run(2, only("acme:c1 extract.v1", Poison("it is refused")))
    assert ran.outcomes["extract.v1"][1].failed == "it is refused"
    assert (await bench.run(2)).asked == 1


async def test_what_changes_an_answer_is_asked_anew_and_nothing_else() -> None:
    bench = Bench()
    await bench.run(1)
    other_model = [Version.of(SCENARIO, EDITION, PROMPTS[label], "gpt-y") for label in LABELS]
    words = EDITION.prompts[0].model_copy(update={"version": 9, "text": "another file"})
    with_one_more = EDITION.model_copy(update={"prompts": (*EDITION.prompts, words)})
    unchanged = [Version.of(SCENARIO, with_one_more, PROMPTS[label], "gpt-x") for label in LABELS]
    topics = EDITION.taxonomy.model_copy(update={"topics": EDITION.taxonomy.topics[:-1]})
    other_names = [
        Version.of(SCENARIO, EDITION.model_copy(update={"taxonomy": topics}), PROMPTS[label], "gpt-x")
        for label in LABELS
    ]
    votes = SETTINGS.model_copy(update={"extract": SETTINGS.extract.model_copy(update={"votes": 3})})
    patience = SETTINGS.model_copy(update={"llm": SETTINGS.llm.model_copy(update={"timeout_s": 9})})
    asked = {
        "model": (await bench.run(1, versions=other_model)).asked,
        "another version's file": (await bench.run(1, versions=unchanged)).asked,
        "taxonomy": (await bench.run(1, versions=other_names)).asked,
        "votes": (await bench.run(1, settings=votes)).asked,
        "patience": (await bench.run(1, settings=patience)).asked,
    }
    assert asked == {"model": 2, "another version's file": 0, "taxonomy": 2, "votes": 2, "patience": 0}


async def test_what_another_release_kept_is_asked_anew() -> None:
    bench = Bench()
    await bench.run(1)
    for key, (_, subject) in list(bench.workbench._outcomes.items()):  # noqa: SLF001 - as another release left it
        await bench.workbench.keep_outcome(key, '{"of": "another release"}', subject=subject)
    assert (await bench.run(1)).asked == 2


async def test_what_is_kept_is_erased_with_its_call() -> None:
    bench = Bench()
    await bench.run(2)
    assert await bench.workbench.erase("acme:c1") == 2
    assert (await bench.run(2)).asked == 2


def test_an_outcome_is_read_as_it_was_written() -> None:
    outcome = Outcome(failed="no", model="m", reasks=1, seconds=0.5)
    assert Outcome.model_validate_json(outcome.model_dump_json(exclude_defaults=True)) == outcome
