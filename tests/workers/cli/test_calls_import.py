from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from mined_calls import TENANT
from mined_store import Convmine

from pipeline.settings import KafkaSettings
from pipeline.stages import OUTCOMES
from schemas.call import CallOutcome
from workers.cli.calls_import import import_outcomes
from workers.edge import Edge
from workers.records import read_event

ROWS = """\
call_id,outcome,result,observed_at
call-one,call_back,open,2026-03-03
call-one,sale_closed,won,2026-03-05
call-one,cancelled,lost,2026-03-04
call-two,who knows,perhaps,2026-03-04
"""


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    path = tmp_path / "crm.csv"
    path.write_text(ROWS)
    return path


def observed(convmine: Convmine, call_id: str) -> object:
    return json.loads(convmine("calls", "show", call_id, "--json").stdout)["outcome_observed"]


def test_outcomes_are_published_with_ids_that_do_not_change(crm: Path, kafka_settings: KafkaSettings) -> None:
    edge = Edge(kafka_settings)
    edge.apply_topics()
    env = {
        "CONVMINE_KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "CONVMINE_KAFKA_TOPIC_PREFIX": kafka_settings.topic_prefix,
        "CONVMINE_TENANT": TENANT,
    }
    told = [CliRunner().invoke(import_outcomes, [str(crm), "--json"], env=env) for _ in range(2)]
    assert [one.exit_code for one in told] == [1, 1], "a row is broken"
    assert json.loads(told[0].stdout) == {
        "file": str(crm),
        "way": "kafka",
        "imported": 3,
        "broken": 1,
        "rejected": None,
        "items": [
            {
                "line": 5,
                "reason": "'perhaps' is neither won, lost nor open: --map 'perhaps'=won says what it means",
            }
        ],
    }
    events = [read_event(record) for record in edge.tail(OUTCOMES, from_start=True, follow=False)]
    assert [event.tenant_id for event in events if event] == [TENANT] * 6
    ids = [event.message.envelope.id for event in events if event]
    assert ids[:3] == ids[3:]
    assert len(set(ids)) == 3
    payload = events[0].payload if events[0] else None
    assert isinstance(payload, CallOutcome)
    assert (payload.call_id, payload.name, payload.observed_by) == ("call-one", "call_back", "crm")


def test_with_the_store_the_outcome_observed_last_counts(convmine: Convmine, crm: Path) -> None:
    done = convmine("calls", "import-outcomes", str(crm), "--store")
    assert done.code == 1
    assert "outcomes: 3 (written into the store at" in done.stdout
    assert "line 5: 'perhaps' is neither" in done.stderr
    assert observed(convmine, "call-one") == {"name": "sale_closed", "result": "won", "said_by": "crm"}
    assert convmine("calls", "import-outcomes", str(crm), "--store", "--map", "perhaps=open").code == 0
    assert observed(convmine, "call-one") == {"name": "sale_closed", "result": "won", "said_by": "crm"}
    assert observed(convmine, "call-two") == {"name": "who knows", "result": "open", "said_by": "crm"}


def test_rejected_rows_can_be_put_right_and_taken_again(convmine: Convmine, crm: Path, tmp_path: Path) -> None:
    rejected = tmp_path / "rejected.csv"
    convmine("calls", "import-outcomes", str(crm), "--store", "--rejected", str(rejected))
    header, row = rejected.read_text().splitlines()
    assert header == "call_id,outcome,result,observed_at,line,reason"
    assert row.startswith("call-two,who knows,perhaps,2026-03-04,5,")
    assert "'perhaps' is neither won, lost nor open" in row
    rejected.write_text(rejected.read_text().replace("perhaps", "lost", 1))
    assert convmine("calls", "import-outcomes", str(rejected), "--store").code == 0
    assert observed(convmine, "call-two") == {"name": "who knows", "result": "lost", "said_by": "crm"}


def test_a_dry_run_takes_nothing(convmine: Convmine, crm: Path) -> None:
    done = convmine("calls", "import-outcomes", str(crm), "--store", "--dry-run", "--json")
    assert (done.code, json.loads(done.stdout)["way"]) == (1, "none")
    assert convmine("calls", "show", "call-one").code == 1, "it is not there"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--column", "callid=CaseID"], "none of call_id, outcome"),
        (["--column", "call_id"], "not of the form NAME=VALUE"),
        (["--map", "Closed=gained"], "none of won, lost, open"),
        (["--timezone", "Mars/Base"], "no time zone"),
        (["--encoding", "utf-99"], "no encoding"),
        (["--observed-at", "soon"], "no date"),
        (["--rejected", "crm.csv"], "the table itself"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    crm: Path, options: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(crm.parent)
    result = CliRunner().invoke(import_outcomes, ["crm.csv", *options])
    assert result.exit_code == 2
    assert said in result.stderr
