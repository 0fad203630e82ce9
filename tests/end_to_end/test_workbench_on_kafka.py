"""Prompts and scenarios on their way from a person to running workers and back, on real Kafka."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from processes import CONVMINE, convmine, convmine_json, environment, is_idle, running, wait_until

from pipeline import samples
from pipeline.stages import stages_of
from schemas.wire import Lane

MINES = next(stage for stage in stages_of(Lane.BATCH) if stage.name == "extract")
TAKEN_UP_S = 30.0
"""Seconds that a running worker may take to run what was published; it takes one or two."""


@dataclass(frozen=True)
class Shop:
    """A running extract worker, and a person with scenarios of their own, which the worker does not have."""

    env: Mapping[str, str]
    folder: Path

    def runs(self, version: int, *, scenario: str = "telecom", challenger: int | None = None) -> bool:
        """Whether every worker says that it runs this version of the prompt ``extract``."""
        workers = convmine_json("prompt", "list", "--running", env=self.env)["items"]
        told = [
            (row["version"], row["challenger"])
            for row in workers
            if (row["scenario"], row["language"], row["prompt"]) == (scenario, "en", "extract")
        ]
        return bool(told) and set(told) == {(version, challenger)}

    def wait_for(self, version: int, **more: Any) -> None:
        wait_until(lambda: self.runs(version, **more), seconds=TAKEN_UP_S, logs=self.folder)

    def mined(self, *names: str, scenario: str = "telecom") -> list[dict[str, Any]]:
        """The insights of new chats."""
        said = [("customer", "i want to cancel my contract it is too expensive"), ("agent", "i can offer a discount")]
        turns = [{"role": role, "at_ms": 4_000 * number, "text": text} for number, (role, text) in enumerate(said)]
        for name in names:
            file = self.folder / f"{name}.json"
            file.write_text(json.dumps({"call_id": name, "language": "en", "scenario": scenario, "messages": turns}))
            convmine("publish", "transcript", str(file), env=self.env)
        wait_until(lambda: is_idle(self.env, MINES), seconds=60, logs=self.folder)
        told = convmine(
            "topics", "tail", "calls.intents.batch", "--from-start", "--no-follow", "--json", env=self.env
        ).stdout
        values = [json.loads(line)["value"] for line in told.splitlines()]
        insights = {value["call_id"]: value for value in values}
        return [insights[name] for name in names]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str, base_url: str) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("workbench")
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"{folder.name}.",
            "CONVMINE_KAFKA_PARTITIONS": "2",
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "CONVMINE_EXTRACT_EXTRACTOR": "llm",
            "CONVMINE_LLM_BASE_URL": base_url,
            "CONVMINE_LLM_CACHE_PATH": str(folder / "answers.sqlite"),
            "CONVMINE_BUDGET_LEDGER_PATH": str(folder / "usage.sqlite"),
            "CONVMINE_STORE_PATH": str(folder / "qdrant"),
            "CONVMINE_WORKBENCH_PATH": str(folder / "workbench.sqlite"),
        }
    )
    convmine("topics", "apply", env=env)
    with running([*CONVMINE, "worker", "extract"], env, folder / "extract.log"):
        yield Shop({**env, "CONVMINE_SCENARIOS_PATH": str(folder / "scenarios")}, folder)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The English sample calls with the intents that people have given their turns."""
    file = tmp_path_factory.mktemp("labelled") / "labelled.jsonl"
    calls = [json.loads(path.read_text()) for path in sorted((samples.folder() / "calls").glob("*.json"))]
    fields = ("role", "text", "start_ms", "end_ms", "intents")
    rows = [
        {
            **{name: call[name] for name in ("call_id", "scenario", "language")},
            "turns": [{name: turn[name] for name in fields if name in turn} for turn in call["turns"]],
        }
        for call in calls
        if call["language"] == "en"
    ]
    assert rows
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def prompts(shop: Shop) -> Path:
    """The folder of a copy of the scenario, with a third version of its prompt that says the same in other words."""
    made = convmine_json(
        "scenario", "new", "telecom", "--like", "telecom", "--at", str(shop.folder / "scenarios"), env=shop.env
    )
    folder = Path(made["folder"]) / "en" / "prompts"
    folder.mkdir(exist_ok=True)
    second = convmine("prompt", "show", "extract.v2", env=shop.env).stdout
    (folder / "extract.v2.md").write_text(second)
    third = second.replace("version: 2", "version: 3").replace("Do not guess", "Never guess")
    (folder / "extract.v3.md").write_text(third)
    return folder


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("prompts")
def test_a_version_is_back_tested_promoted_taken_up_and_rolled_back(shop: Shop, labelled: Path) -> None:
    shop.wait_for(2)
    refused = convmine("prompt", "promote", "extract.v3", env=shop.env, check=False)
    assert refused.returncode == 1
    assert "convmine prompt backtest extract.v2 extract.v3" in refused.stderr

    page = shop.folder / "report.html"
    tested = convmine_json(
        *("prompt", "backtest", "extract.v2", "extract.v3", "--on", str(labelled), "--html", str(page)), env=shop.env
    )
    intents = next(field for field in tested["b"]["fields"] if field["field"] == "intents")
    assert intents["support"] > intents["f1"] > 0.2  # the made-up model knows a few rules, not the labels
    assert "<table" in page.read_text()

    convmine("prompt", "promote", "extract.v3", env=shop.env)
    shop.wait_for(3)
    assert shop.mined("after-promotion")[0]["provenance"]["prompt_version"] == "extract.v3"

    convmine("prompt", "rollback", "extract", "--reason", "only a test", env=shop.env)
    shop.wait_for(2)
    assert shop.mined("after-roll-back")[0]["provenance"]["prompt_version"] == "extract.v2"


@pytest.mark.timeout(400)
def test_a_worse_version_is_refused_unless_forced_and_may_have_a_share_of_the_calls(
    shop: Shop, labelled: Path, prompts: Path
) -> None:
    third = (prompts / "extract.v3.md").read_text()
    fourth = re.sub(r"(?s){% for intent in intents -%}.*?{% endfor %}", "", third).replace("version: 3", "version: 4")
    (prompts / "extract.v4.md").write_text(fourth)
    convmine("prompt", "promote", "extract.v2", "--force", "--reason", "it is the one to beat", env=shop.env)
    convmine("prompt", "backtest", "extract.v2", "extract.v4", "--on", str(labelled), env=shop.env)
    refused = convmine("prompt", "promote", "extract.v4", env=shop.env, check=False)
    assert refused.returncode == 1
    assert "intents" in refused.stderr

    convmine("prompt", "split", "extract.v2", "extract.v4", "--share", "50%", env=shop.env)
    shop.wait_for(2, challenger=4)
    split = shop.mined(*(f"split-{number}" for number in range(8)))
    versions = {insight["provenance"]["prompt_version"] for insight in split}
    assert versions == {"extract.v2", "extract.v4"}
    convmine("prompt", "split", "--end", env=shop.env)
    shop.wait_for(2)

    convmine("prompt", "promote", "extract.v4", "--force", "--reason", "to see it", env=shop.env)
    shop.wait_for(4)
    convmine("prompt", "rollback", env=shop.env)
    shop.wait_for(2)


@pytest.mark.timeout(400)
def test_a_new_scenario_is_used_by_the_running_worker_for_the_next_call(shop: Shop) -> None:
    made = convmine_json(
        "scenario", "new", "bicycles", "--language", "en", "--at", str(shop.folder / "scenarios"), env=shop.env
    )
    convmine("scenario", "validate", made["folder"], env=shop.env)
    convmine("scenario", "push", made["folder"], env=shop.env)
    shop.wait_for(2, scenario="bicycles")
    (insight,) = shop.mined("about-a-bicycle", scenario="bicycles")
    assert (insight["provenance"]["scenario"], insight["provenance"]["scenario_version"]) == ("bicycles", 1)
    assert insight["provenance"]["extractor"] == "llm"
