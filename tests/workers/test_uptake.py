"""Records of scenarios and prompts, taken up one after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from published_config import (
    RETAIL,
    as_read,
    loaded,
    new_record,
    prompt_published,
    prompt_text,
    scenario,
    scenario_published,
    tombstone,
)
from structlog.testing import capture_logs

from pipeline.scenarios.library import Library
from pipeline.stages import PROMPTS
from workers.prometheus_meter import PrometheusMeter
from workers.records import NewRecord, Record
from workers.uptake import Uptake

GOOD = new_record(prompt_published(1))
BAD = new_record(prompt_published(2, body="no front matter"))


class Taking:
    """An uptake, what runs by it, and how many records were counted as refused."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.library = Library(loaded, ["retail"])
        self.uptake = Uptake(self.library, PrometheusMeter(self.registry))

    def take(self, *records: NewRecord | Record) -> None:
        for record in records:
            self.uptake.take(as_read(record) if isinstance(record, NewRecord) else record)

    def prompt(self, tenant: str = "acme", of: str = "retail") -> str:
        found = self.library(of, tenant).edition("en").prompt("greet")
        assert found is not None
        return found.label

    def refused(self, tenant: str = "acme") -> dict[str, str]:
        return {one.what: one.reason for one in self.uptake.refused(tenant)}

    def counted(self, kind: str) -> float:
        return self.registry.get_sample_value("convmine_config_refused_total", {"kind": kind}) or 0


@pytest.fixture
def taking() -> Taking:
    return Taking()


def test_what_is_published_runs_from_now_on_for_its_tenant(taking: Taking) -> None:
    taking.take(new_record(scenario_published(scenario("retail", 2))), GOOD)
    assert (taking.library("retail", "acme").version, taking.prompt()) == (2, "greet.v1")
    assert (taking.library("retail", "other").version, taking.prompt("other")) == (1, "greet.v3")
    assert taking.uptake.tenants == {"acme"}


def test_what_is_refused_is_told_and_counted_once_and_the_last_good_one_stays(taking: Taking) -> None:
    with capture_logs() as logs:
        taking.take(GOOD, BAD, new_record(scenario_published(scenario("retail", 2))))
    assert taking.prompt() == "greet.v1"
    assert "front matter" in taking.refused()["prompt retail:en:greet"]
    assert taking.refused("other") == {}
    assert [one["key"] for one in logs if one["log_level"] == "warning"] == ["acme:retail:en:greet"]
    assert (taking.counted("prompt"), taking.counted("scenario")) == (1, 0)


@pytest.mark.parametrize("again", [new_record(prompt_published(4)), tombstone(BAD)], ids=["well", "taken back"])
def test_what_was_refused_is_told_until_its_key_is_published_again(taking: Taking, again: NewRecord) -> None:
    taking.take(GOOD, BAD)
    taking.take(again)
    assert taking.refused() == {}
    assert taking.prompt() == ("greet.v4" if again.value else "greet.v3")


def test_a_prompt_that_comes_before_its_scenario_runs_when_that_has_come(taking: Taking) -> None:
    taking.take(new_record(prompt_published(2, of="travel")))
    assert "no scenario 'travel'" in taking.refused()["prompt travel:en:greet"]
    assert taking.uptake.tenants == {"acme"}
    taking.take(new_record(scenario_published(scenario("travel"))))
    assert taking.prompt(of="travel") == "greet.v2"
    assert taking.refused() == {}
    assert taking.counted("prompt") == 1


def test_a_scenario_that_comes_before_the_prompts_that_fit_it_runs_when_they_have_come(taking: Taking) -> None:
    in_chinese = new_record(prompt_published(2, language="zh"))
    taking.take(new_record(scenario_published(scenario("retail", 2, languages=("en", "zh")))), in_chinese)
    taking.take(new_record(scenario_published(scenario("retail", 3))))
    assert taking.library("retail", "acme").version == 2
    assert "not there in 'zh'" in taking.refused()["scenario retail"]
    taking.take(tombstone(in_chinese))
    assert taking.library("retail", "acme").version == 3
    assert taking.refused() == {}


def test_at_start_every_scenario_comes_before_every_prompt(taking: Taking) -> None:
    records = [new_record(prompt_published(2, of="travel")), new_record(scenario_published(scenario("travel")))]
    with capture_logs() as logs:
        taking.uptake.take_all([as_read(record) for record in records])
    assert taking.prompt(of="travel") == "greet.v2"
    assert {one["log_level"] for one in logs} == {"info"}


def test_what_is_taken_back_gives_way_to_what_was_loaded(taking: Taking) -> None:
    published = [new_record(scenario_published(scenario("retail", 2))), GOOD]
    taking.take(*published)
    taking.take(*(tombstone(record) for record in published))
    assert taking.library("retail", "acme") is RETAIL
    assert taking.uptake.tenants == frozenset()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (replace(GOOD, value=b"no json"), "no JSON"),
        (replace(GOOD, headers=()), "ce_specversion is missing"),
        (replace(GOOD, headers=(*GOOD.headers, ("ce_type", b"io.convmine.config.prompt.v9"))), "major version 9"),
        (replace(GOOD, headers=(*GOOD.headers, ("ce_type", b"com.example.other"))), "no event that"),
        (replace(GOOD, headers=(*GOOD.headers, ("ce_tenantid", b"other"))), "is of other:retail:en:greet"),
        (replace(new_record(scenario_published(RETAIL)), topic=PROMPTS, key=GOOD.key), "is of acme:retail"),
        (replace(GOOD, value=GOOD.value and GOOD.value.replace(b'"en"', b'"zh"')), "is of acme:retail:zh:greet"),
        (new_record(prompt_published(1, body=prompt_text(1).replace("Hello", "{{ ((" + "(" * 9_000))), ""),
    ],
    ids=["json", "headers", "major", "type", "tenant", "topic", "language", "depth"],
)
def test_a_record_that_cannot_be_read_changes_nothing(taking: Taking, record: NewRecord, reason: str) -> None:
    taking.take(new_record(prompt_published(2)), record)
    assert taking.prompt() == "greet.v2"
    assert reason in taking.refused()["prompt retail:en:greet"]
    assert taking.counted("prompt") == 1


@pytest.mark.parametrize("key", [None, b"", b"acme", b"acme:retail:en", b"a b:retail:en:greet", b":::", b"\xff:a:b:c"])
def test_a_record_of_nobody_is_counted_and_told_to_no_tenant(taking: Taking, key: bytes | None) -> None:
    taking.take(replace(as_read(GOOD), key=key))
    assert taking.prompt() == "greet.v3"
    assert taking.uptake.tenants == frozenset()
    assert taking.counted("prompt") == 1
