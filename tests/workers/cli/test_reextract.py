"""``convmine reextract`` as a person runs it: estimated first, gone on with, switched to and back, given up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine

from workers.fake_llm import Served, serve

SCOPE = ("reextract", "--since", "2026-01-01", "--prompt", "extract.v2")


@pytest.fixture
def desk(convmine: Convmine, mined_folder: Path, tmp_path: Path) -> Convmine:
    """The command line on a copy of the store with two mined calls."""
    shutil.copytree(mined_folder / "qdrant", tmp_path / "qdrant", dirs_exist_ok=True)
    return convmine


@pytest.fixture
def model(desk: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A language model that has a price; nothing that it says is kept."""
    del desk  # it empties the environment first
    with serve() as server:
        monkeypatch.setenv("CONVMINE_EXTRACT_EXTRACTOR", "llm")
        monkeypatch.setenv("CONVMINE_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("CONVMINE_LLM_CACHE", "off")
        monkeypatch.setenv("CONVMINE_BUDGET_LEDGER_PATH", str(tmp_path / "usage.sqlite"))
        monkeypatch.setenv("CONVMINE_BUDGET_PRICES", "gpt-4.1-mini=0.4:1.6")
        yield server


def answer(desk: Convmine, *arguments: str) -> Any:
    done = desk(*arguments, "--json")
    assert done.code == 0, done.stderr
    return json.loads(done.stdout)


def version(desk: Convmine) -> str | None:
    """Of the prompt that questions see a call mined with."""
    facts: dict[str, str] = answer(desk, "calls", "show", "call-one")["facts"]
    return facts.get("prompt_version")


def test_money_is_named_before_it_is_spent(desk: Convmine, model: Served) -> None:
    estimate = answer(desk, *SCOPE, "--dry-run")["estimate"]
    assert (estimate["calls"], estimate["requests"]) == (2, 2)
    assert estimate["usd"] == pytest.approx((estimate["input_tokens"] * 0.4 + estimate["output_tokens"] * 1.6) / 1e6)
    refused = desk(*SCOPE)
    assert refused.code == 1
    assert "USD (--dry-run shows the estimate, --yes agrees to it)" in refused.stderr
    assert model.requests == []
    assert "there is no re-extraction" in desk("reextract", "compare").stderr


def test_calls_are_mined_again_compared_switched_to_rolled_back_and_given_up(desk: Convmine, model: Served) -> None:
    built = answer(desk, *SCOPE, "--yes")
    assert (built["calls"], built["mined_again"], built["state"], len(model.requests)) == (2, 2, "built", 2)
    assert version(desk) is None
    compared = desk("reextract", "compare").stdout
    assert "Of 2 calls mined again, intents differ in 2" in compared
    assert "price_concern" in compared
    assert "call-two" in compared

    assert "the new version is current" in desk("reextract", "switch").stdout
    assert version(desk) == "extract.v2"
    assert "already; took over 0 points" in desk("reextract", "switch").stdout
    assert "the old version is current" in desk("reextract", "roll-back").stdout
    assert version(desk) is None

    refused = desk("reextract", "drop")
    assert refused.code == 1
    assert "what it has mined again is deleted (--yes agrees to it)" in refused.stderr
    assert len(answer(desk, "reextract", "drop", "--yes")["deleted"]) == 2
    assert "there is no re-extraction" in desk("reextract", "switch").stderr


def test_when_the_budget_ends_the_run_says_so_and_goes_on_with_more(
    desk: Convmine, model: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_BUDGET_DAY_TOKENS", "9000")
    stopped = desk(*SCOPE, "--yes", "--at-once", "1")
    assert stopped.code == 1
    assert "the budget for today is spent (CONVMINE_BUDGET_DAY_TOKENS)" in stopped.stderr
    assert "1 of 2 calls are done and are not paid again" in stopped.stderr
    assert "is not done (convmine reextract goes on with it)" in desk("reextract", "switch").stderr
    monkeypatch.delenv("CONVMINE_BUDGET_DAY_TOKENS")
    built = answer(desk, "reextract", "--yes")
    assert (built["mined_again"], built["now"], len(model.requests)) == (2, 1, 2)


def test_one_run_at_a_time(desk: Convmine, model: Served) -> None:
    answer(desk, *SCOPE, "--yes")
    other = desk("reextract", "--call", "call-one", "--prompt", "extract.v1", "--yes")
    assert other.code == 1
    assert "there is one at a time (convmine reextract goes on with it, convmine reextract drop" in other.stderr
    answer(desk, "reextract", "switch")
    assert "are both kept (convmine reextract drop" in desk(*SCOPE, "--yes").stderr
    answer(desk, "reextract", "drop")
    assert answer(desk, "reextract", "--call", "call-one", "--prompt", "extract.v1", "--yes")["mined_again"] == 1
    assert len(model.requests) == 3


def test_the_lexical_extractor_costs_nothing_and_has_no_prompt(desk: Convmine) -> None:
    refused = desk(*SCOPE)
    assert refused.code == 2
    assert "the lexical extractor has no prompt" in refused.stderr
    built = answer(desk, "reextract", "--since", "2026-01-01")
    assert (built["mined_again"], built["failed"]) == (2, [])


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "say which calls: --since TIME or --call ID"),
        (("--since", "yore", "--prompt", "extract.v2"), 2, "--since: 'yore' is neither"),
        (("--since", "7d"), 2, "--prompt VERSION is missing"),
        (("--since", "2026-01-01", "--prompt", "extract.v9"), 1, "has no extract.v9 in en; there are extract.v1"),
        (("--since", "2026-01-01", "--prompt", "ask.v1"), 1, "no call is mined with ask.v1"),
        (("--call", "call-on", "--prompt", "extract.v2"), 1, "nearest: call-one, call-two"),
        (("--since", "2026-11-01", "--prompt", "extract.v2"), 1, "no such call is stored"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    desk: Convmine, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = desk("reextract", *arguments)
    assert (done.code, done.stderr.count("\n")) == (code, 1)
    assert says in done.stderr
