from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file
from pathlib import Path

import pytest

from pipeline.discovery.clusters import Cluster
from pipeline.discovery.proposal import CannotBeProposed, Proposed, proposed_files, proposed_intent
from pipeline.release.scenario_check import checked
from pipeline.scenarios.load import load_scenario, shipped, shipped_folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from schemas.wire import Role

CLUSTER = Cluster(
    3,
    "parcel locker open",
    34,
    ("my parcel locker did not open", "the locker\nstays shut", "???"),
    calls=30,
)


async def proposed(cluster: Cluster = CLUSTER, name: str | None = None, topic: str | None = None) -> Proposed:
    edition = shipped("support").edition("en")
    return await proposed_intent(
        cluster, edition, InThread(HashingEncoder()), role=Role.CUSTOMER, name=name, topic=topic
    )


def written(proposals: list[Proposed], folder: Path) -> Path:
    files = proposed_files(shipped_folder("support"), shipped("support"), "en", proposals, raise_version=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


async def test_the_scenario_with_the_proposal_is_valid_and_the_next_version(tmp_path: Path) -> None:
    folder = written([await proposed()], tmp_path / "support")
    scenario, before = load_scenario(folder), shipped("support")
    assert checked(scenario) == ()
    assert scenario.version == before.version + 1
    added, *others = scenario.edition("en").taxonomy.intents
    assert others == list(before.edition("en").taxonomy.intents)
    assert (added.name, added.role) == ("parcel_locker_open", Role.CUSTOMER)
    assert added.examples == ("my parcel locker did not open", "the locker stays shut")
    assert replace_intents(scenario) == replace_intents(before)


def replace_intents(scenario: object) -> dict[str, object]:
    from pipeline.scenarios.model import Scenario

    assert isinstance(scenario, Scenario)
    edition = scenario.edition("en").model_dump(exclude={"taxonomy"})
    return {"id": scenario.id, **edition}


async def test_a_person_reads_what_it_stands_on_and_the_files_own_comments_stay(tmp_path: Path) -> None:
    folder = written([await proposed()], tmp_path / "support")
    text = (folder / "en" / "taxonomy.yaml").read_text()
    assert "34 utterances of 30 calls" in text
    assert "# Approved by: (who approves it)" in text
    with as_file(shipped_folder("support") / "en" / "taxonomy.yaml") as path:
        assert set(path.read_text().splitlines()) <= set(text.splitlines())


async def test_a_name_of_a_cluster_cannot_break_out_of_its_comment(tmp_path: Path) -> None:
    wicked = replace(CLUSTER, name="open\nintents: []\u2028x", examples=("- name: 'x'", "a: [b\u0085c"))
    folder = written([await proposed(wicked, name="fine")], tmp_path / "support")
    assert load_scenario(folder).edition("en").taxonomy.intents[0].name == "fine"


async def test_names_topics_and_words_that_do_not_fit_are_refused() -> None:
    with pytest.raises(CannotBeProposed, match="is an intent already"):
        await proposed(name="login_problem")
    with pytest.raises(CannotBeProposed, match="no topic 'moon'"):
        await proposed(topic="moon")
    with pytest.raises(CannotBeProposed, match="gives no name"):
        await proposed(replace(CLUSTER, name="取消套餐"))
    with pytest.raises(CannotBeProposed, match="no words"):
        await proposed(replace(CLUSTER, examples=("???",)))
