"""``convmine cards edit``, ``approve``, ``withdraw`` and ``list`` as people type them, against a real Kafka."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from config_topics import config_topics
from desk_folder import change, desk_folder
from mined_calls import TENANT
from mined_store import Convmine, Done

from pipeline.audit.log import Wanted
from pipeline.audit.logs import open_log
from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings, Settings, load
from pipeline.stages import CARDS, SCENARIOS
from schemas.envelope import message
from schemas.reference import CardStatistics
from workers.config_changes import ChangedMeanwhile, exclusive
from workers.edge import Edge
from workers.published import Published, card_record, key_of
from workers.records import write_event

OFFER = "answer-price-objection"
NEW = ("edit", "say-sorry", "--title", "Say sorry", "--text", "Say sorry first.", "--trigger", "intent=price_objection")
Run = Callable[..., Done]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return desk_folder(tmp_path)


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> Settings:
    config_topics(kafka_settings)
    return Settings(tenant=TENANT, kafka=kafka_settings)


@pytest.fixture
def run(convmine: Convmine, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``convmine cards …`` about the scenario ``desk``."""
    monkeypatch.setenv("CONVMINE_KAFKA_BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("CONVMINE_KAFKA_TOPIC_PREFIX", settings.kafka.topic_prefix)
    monkeypatch.setenv("CONVMINE_SCENARIOS_PATH", str(folder.parent))
    monkeypatch.setenv("CONVMINE_EXTRACT_SCENARIO", "desk")
    return lambda *arguments: convmine("cards", *arguments)


def said(done: Done) -> str:
    assert done.code == 0, done.stderr
    return done.stdout


def told(done: Done) -> Any:
    return json.loads(said(done))


def refused(done: Done) -> str:
    assert done.code == 1, done.stdout
    assert done.stdout == ""
    return done.stderr


def published(settings: Settings) -> Published:
    with exclusive(settings, (SCENARIOS, CARDS)) as begun:
        return begun.published


def listed(run: Run, card: str) -> Any:
    found: dict[str, Any] = {
        row["card"]: row for row in told(run("list", "--json"))["items"] if row["language"] == "en"
    }
    return found[card]


def test_a_card_is_written_by_one_and_approved_by_another_as_each_is_told_to(run: Run, settings: Settings) -> None:
    written = said(run(*NEW, "--by", "ann", "--reason", "calls were lost without"))
    assert "+title: Say sorry" in written
    assert listed(run, "say-sorry")["status"] == "draft"
    next_command = re.search(r"convmine cards (approve .*)", written)
    assert next_command is not None
    own = refused(run(*shlex.split(next_command[1]), "--by", "ann"))
    assert "by ann: somebody else must approve it" in own
    approved = said(run(*shlex.split(next_command[1]), "--by", "bob"))
    assert "version 1 of card say-sorry in desk (en) is shown from now on, approved by bob" in approved
    found = published(settings)
    record = found.cards["desk", "en", "say-sorry"]
    assert (record.written_by, record.approved_by, record.content["approved_by"]) == ("ann", "bob", "bob")
    assert found.drafts == {}
    row = listed(run, "say-sorry")
    assert (row["status"], row["version"], row["approved_by"]) == ("approved", 1, "bob")
    entries = asyncio.run(open_log(load()).read(Wanted(tenant_id=TENANT))).items
    noted = [(one.action, json.loads(one.about)) for one in entries if one.action.startswith("cards ")]
    assert {(action, about["by"], about["card"]) for action, about in noted} >= {
        ("cards edit", "ann", "desk:en:say-sorry"),
        ("cards approve", "bob", "desk:en:say-sorry"),
    }


def test_what_is_approved_stays_shown_while_a_draft_is_written_and_goes_into_the_history_then(
    run: Run, settings: Settings
) -> None:
    shown = listed(run, OFFER)
    assert (shown["status"], shown["version"], shown["draft"]) == ("scenario", 0, None)
    said(run("edit", OFFER, "--priority", "91", "--by", "ann"))
    assert (listed(run, OFFER)["priority"], listed(run, OFFER)["content"]) == (shown["priority"], shown["content"])
    assert listed(run, OFFER)["draft"]["content"]["priority"] == 91
    said(run("approve", OFFER, "--by", "bob"))
    said(run("edit", OFFER, "--title", "Offer it", "--by", "ann"))
    said(run("approve", OFFER, "--by", "cid", "--reason", "shorter"))
    record = published(settings).cards["desk", "en", OFFER]
    assert (record.card_version, record.content["title"], record.content["priority"]) == (2, "Offer it", 91)
    assert [(one.card_version, one.approved_by, one.content["title"]) for one in record.earlier] == [
        (1, "bob", shown["title"])
    ]
    page = said(run("list", "--card", OFFER))
    assert "before: version 1, by ann, approved by bob" in page


def test_who_writes_alone_may_approve_with_force_and_a_reason_that_is_kept(run: Run, settings: Settings) -> None:
    said(run(*NEW, "--by", "ann"))
    assert run("approve", "say-sorry", "--by", "ann", "--force").code == 2
    said(run("approve", "say-sorry", "--by", "ann", "--force", "--reason", "nobody else is here"))
    record = published(settings).cards["desk", "en", "say-sorry"]
    assert (record.approved_by, record.reason) == ("ann", "forced: nobody else is here")


def test_who_would_go_over_what_another_has_written_is_refused_and_shown_the_difference(
    run: Run, settings: Settings
) -> None:
    said(run(*NEW, "--by", "ann"))
    text = ("edit", "say-sorry", "--text", "Never say sorry.", "--by", "bob")
    why = refused(run(*text))
    assert "version 1 of card say-sorry in desk (en) is by ann: nothing was changed" in why
    assert "-text: Say sorry first." in why
    assert "+text: Never say sorry." in why
    assert "to go over it: the same command with --version 1" in why
    assert published(settings).drafts["desk", "en", "say-sorry"].content["text"] == "Say sorry first."
    said(run(*text, "--version", "1"))
    assert "is at version 2, and not at 1" in refused(run(*NEW, "--by", "ann", "--version", "1"))
    assert "is version 2, and not 1" in refused(run("approve", "say-sorry", "--by", "cid", "--version", "1"))
    assert published(settings).drafts["desk", "en", "say-sorry"].content["text"] == "Never say sorry."


def test_of_two_who_change_a_card_at_the_same_moment_one_is_told_that_the_other_was_quicker(
    run: Run, settings: Settings
) -> None:
    said(run(*NEW, "--by", "ann"))
    draft = published(settings).drafts["desk", "en", "say-sorry"]
    with exclusive(settings, (SCENARIOS, CARDS), look="convmine cards list") as slow:
        said(run("edit", "say-sorry", "--title", "Quick", "--by", "ann"))
        with pytest.raises(ChangedMeanwhile) as error:
            slow.publish([card_record(TENANT, draft)])
    assert error.value.hint == "look again with convmine cards list, then repeat it"
    assert published(settings).drafts["desk", "en", "say-sorry"].content["title"] == "Quick"


def test_a_withdrawn_card_is_shown_no_more_even_if_the_scenario_has_it_and_comes_back_when_approved(
    run: Run, settings: Settings
) -> None:
    said(run("withdraw", OFFER, "--by", "ann", "--reason", "not true any more"))
    row = listed(run, OFFER)
    assert (row["status"], row["content"], row["version"]) == ("withdrawn", None, 1)
    assert "is not shown" in refused(run("withdraw", OFFER))
    said(run("edit", OFFER, "--title", "True again", "--by", "ann"))
    said(run("approve", OFFER, "--by", "bob"))
    row = listed(run, OFFER)
    assert (row["status"], row["title"], row["version"]) == ("approved", "True again", 2)


def test_a_draft_can_be_taken_away_and_what_is_shown_stays(run: Run, settings: Settings) -> None:
    said(run("edit", OFFER, "--title", "Worse", "--by", "ann"))
    assert "the draft of card" in said(run("withdraw", OFFER, "--draft"))
    assert (published(settings).drafts, published(settings).cards) == ({}, {})
    assert "no draft" in refused(run("withdraw", OFFER, "--draft"))
    said(run(*NEW))
    assert told(run("withdraw", "say-sorry", "--json"))["status"] == "dropped"


def test_the_same_again_publishes_nothing(run: Run, settings: Settings) -> None:
    said(run(*NEW, "--by", "ann"))
    assert "nothing was published" in said(run(*NEW, "--by", "ann"))
    said(run("approve", "say-sorry", "--by", "bob"))
    again = told(run(*NEW, "--by", "ann", "--json"))
    assert (again["changed"], again["version"], published(settings).drafts) == (False, 1, {})


PROPOSED = """\
# Proposed from 120 calls; how calls ended is observed.
cards:

  # After an objection on price: in 9 of 10 calls won
  - id: after-price
    title: After an objection on price
    text: Go on with the plan.
    trigger: {intent: price_objection}
    lanes: [live]
    priority: 50
    valid_from: 2026-03-01
    expires_after_s: 60
    # approved_by: (who approves it)

  - id: other
    title: Another
    text: Say it.
    trigger: {topic: price}
    lanes: [live]
    priority: 10
    approved_by: somebody who was never asked
    valid_from: 2026-03-01
"""


def test_a_file_as_coach_writes_it_is_taken_and_who_approved_it_there_counts_for_nothing(
    run: Run, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "cards.yaml"
    file.write_text(PROPOSED)
    assert told(run("edit", "after-price", "--file", str(file), "--by", "ann", "--json"))["content"]["priority"] == 50
    said(run("edit", "other", "--file", str(file), "--priority", "0", "--by", "ann"))
    drafts = published(settings).drafts
    assert drafts["desk", "en", "other"].content["priority"] == 0
    assert all("approved_by" not in one.content for one in drafts.values())
    assert published(settings).cards == {}
    why = refused(run("edit", "third", "--file", str(file)))
    assert "no card is 'third'; there are after-price, other" in why


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--trigger", "intent=never_heard"), "trigger.intent: 'never_heard' is not defined; there are"),
        (("--trigger", "mood=bad"), "trigger.mood: there is no such field"),
        (("--text", "Ask for {shoe_size}."), "text: {shoe_size} is no entity; there are"),
        (("--valid-from", "soon"), "valid_from"),
        (("--valid-to", "2020-01-01"), "valid_to lies before valid_from"),
    ],
)
def test_what_does_not_fit_the_scenario_is_refused_with_the_field(
    run: Run, settings: Settings, options: tuple[str, str], field: str
) -> None:
    assert field in refused(run("edit", OFFER, *options))
    assert published(settings).drafts == {}


def test_a_new_card_needs_all_that_a_card_has(run: Run) -> None:
    assert "card fresh: title: is missing" in refused(run("edit", "fresh", "--text", "Say it."))
    assert "id" in refused(run("edit", "Not An Id", "--title", "a", "--text", "b", "--trigger", "topic=price"))
    assert run("edit", "fresh", "--trigger", "topic").code == 2
    assert "there is no draft of card fresh" in refused(run("approve", "fresh"))


def test_a_draft_that_the_scenario_has_outgrown_is_not_approved(run: Run, folder: Path, settings: Settings) -> None:
    said(run(*NEW, "--by", "ann"))
    for language in ("en", "zh"):
        for name in ("taxonomy.yaml", "playbook.yaml"):
            file = folder / language / name
            file.write_text(file.read_text().replace("price_objection", "price_worry"))
    why = refused(run("approve", "say-sorry", "--by", "bob"))
    assert "as workers would refuse it" in why
    assert "trigger.intent: 'price_objection' is not defined" in why
    assert published(settings).cards == {}


def test_the_list_has_how_each_card_does_with_intervals(run: Run, settings: Settings) -> None:
    counted = CardStatistics(
        scenario="desk",
        language="en",
        card_id=OFFER,
        shown=40,
        accepted=20,
        edited=10,
        dismissed=5,
        won=6,
        lost=4,
        counted_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    of_passage = counted.model_copy(update={"card_id": "kb:p1", "won": 0, "lost": 0})
    Edge(settings.kafka).publish(
        [
            write_event(
                Outbound(
                    CARDS,
                    message(
                        one,
                        id=one.card_id,
                        source="/test",
                        time=one.counted_at,
                        subject=one.card_id,
                        tenant_id=TENANT,
                        key=key_of(TENANT, one).decode(),
                    ),
                )
            )
            for one in (counted, of_passage)
        ]
    )
    row = listed(run, OFFER)
    assert (row["shown"], row["acceptance"]["share"], row["acceptance"]["of"]) == (40, 0.75, 40)
    # Wilson's interval of 30 of 40 and of 6 of 10, by the formula of the paper
    assert (round(row["acceptance"]["low"], 3), round(row["acceptance"]["high"], 3)) == (0.598, 0.858)
    assert (round(row["win_rate"]["low"], 3), round(row["win_rate"]["high"], 3)) == (0.313, 0.832)
    assert (listed(run, "kb:p1")["status"], listed(run, "kb:p1")["win_rate"]) == ("passage", None)
    table = said(run("list", "--language", "en"))
    assert "75% (60% to 86%)" in table
    order = [line for line in table.splitlines() if "│" in line]
    assert "kb:p1" in order[-1]
    priorities = [
        row["priority"] for row in told(run("list", "--json", "--language", "en"))["items"] if row["priority"]
    ]
    assert priorities == sorted(priorities, reverse=True)


def test_a_card_that_no_longer_fits_is_listed_as_left_out_with_the_reason(
    run: Run, folder: Path, settings: Settings
) -> None:
    said(run(*NEW, "--by", "ann"))
    said(run("approve", "say-sorry", "--by", "bob"))
    for language in ("en", "zh"):
        for name in ("taxonomy.yaml", "playbook.yaml"):
            change(folder / language / name, "price_objection", "price_worry")
    row = listed(run, "say-sorry")
    assert (row["status"], row["content"]) == ("left out", None)
    assert "'price_objection' is not defined" in row["left_out"]
    assert "does not fit the scenario" in run("list").stderr


def test_unknown_names_are_said(run: Run) -> None:
    assert "no scenario 'shop'" in refused(run("list", "--scenario", "shop"))
    assert "there is no card 'nothing'" in refused(run("list", "--card", "nothing"))
    assert "not there in 'fr'" in refused(run("edit", OFFER, "--language", "fr", "--title", "x"))


def test_words_of_a_card_cannot_steer_a_terminal(run: Run) -> None:
    written = said(run(*NEW[:3], "Sorry\x1b]0;owned\x07", *NEW[4:], "--by", "ann"))
    assert "\x1b" not in written + said(run("list", "--card", "say-sorry")) + said(run("list"))


def test_what_workers_run_is_said_or_that_none_does(run: Run) -> None:
    done = run("list", "--running")
    assert (done.code, done.stdout) == (0, "")
    assert "no worker says what it runs" in done.stderr
