"""Our vCons read by the PyPI package ``vcon``, and its vCons read by us; it lives in a folder of its own.

The package asks for Python 3.12 and works with 3.11 as well; what it depends on stays out of our environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mined_calls import flow_state, inbound, insight, transcript
from processes import ROOT

from pipeline.store import calls
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from pipeline.transcripts.formats import as_vcon
from pipeline.transcripts.vcon_document import read_document
from pipeline.transcripts.vcon_reading import call_of
from schemas.wire import Role

PINS = Path(__file__).with_name("vcon-package.txt")
READS = """
import json, sys
from vcon import Vcon
document = sys.stdin.read()
found = Vcon.build_from_json(document)
valid, errors = found.is_valid()
print("\\n" + json.dumps({
    "valid": valid, "errors": errors, "again": found.to_dict(),
    "report": Vcon.decoded_body(found.find_analysis_by_type("report")),
}))
"""
WRITES = """
import json
from vcon import Vcon
from vcon.dialog import Dialog
from vcon.party import Party
made = Vcon.build_new()
made.add_party(Party(name="Ann", role="agent", uuid="a-1"))
made.add_party(Party(tel="+12025550123", role="customer"))
at = "2026-03-02T09:30:0%s+00:00"
for number, (party, text) in enumerate([(0, "good morning"), (1, "my bill is too high")]):
    made.add_dialog(Dialog(type="text", start=at % number, parties=[party], mediatype="text/plain",
                           body=text, encoding="none"))
made.add_attachment(purpose="note", body="x", encoding="none")
print("\\n" + made.to_json())
"""


@pytest.fixture(scope="module")
def package() -> Path:
    """The folder that the package is installed in, made once."""
    folder = ROOT / ".cache" / "vcon-package"
    if not (folder / "complete").exists():
        uv = Path(sys.executable).with_name("uv")
        options = ["--quiet", "--no-deps", "--python-version", "3.12", "--require-hashes", "--python", sys.executable]
        subprocess.run([str(uv), "pip", "install", *options, "--target", str(folder), "-r", str(PINS)], check=True)
        (folder / "complete").touch()
    return folder


def run(program: str, package: Path, said: str = "") -> Any:
    """What a program with the package prints last."""
    env = {**os.environ, "PYTHONPATH": str(package), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", program], input=said, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


async def test_the_package_accepts_what_we_export_and_keeps_all_of_it(package: Path) -> None:
    store, mined = InMemoryStore(), insight("call-1")
    for event in (transcript("call-1"), mined, flow_state(mined)):
        await build(store=store)(inbound(event))
    words = await calls.transcript(store, "call-1", tenant_id="acme")
    exported = as_vcon(words, await calls.show_call(store, "call-1", tenant_id="acme"))
    read = run(READS, package, exported)
    assert (read["valid"], read["errors"]) == (True, [])
    assert {one["name"] for one in read["report"]["intents"]} == {"price_concern", "cancel_contract"}
    call = call_of(read_document(json.dumps(read["again"]).encode()), "acme")
    assert call.transcript is not None
    assert call.transcript.segments == words.segments


def test_what_the_package_writes_can_be_imported(package: Path) -> None:
    call = call_of(read_document(json.dumps(run(WRITES, package)).encode()), "acme")
    assert call.transcript is not None
    assert [(one.role, one.start_ms, one.text) for one in call.transcript.segments] == [
        (Role.AGENT, 0, "good morning"),
        (Role.CUSTOMER, 1_000, "my bill is too high"),
    ]
    assert call.facts.agent == "a-1"
    assert "12025550123" not in str(call.facts)
    assert call.passed_over == ("attachments: 1",)
