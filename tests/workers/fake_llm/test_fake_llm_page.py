"""docs/fake-llm.md says what the server does, and the server stands outside of the pipeline."""

from __future__ import annotations

import re
from pathlib import Path

from workers.fake_llm import read_script
from workers.fake_llm.script import Script

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "fake-llm.md").read_text(encoding="utf-8")


def test_the_script_on_the_page_is_one(tmp_path: Path) -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "script.yaml").write_text(written)
    assert [step.answer for step in read_script(tmp_path / "script.yaml").steps] == [
        *("error", "wrong_schema", "hung", "refusal", "valid"),
    ]


def test_every_step_and_each_of_its_fields_is_on_the_page() -> None:
    definitions = Script.model_json_schema()["$defs"].values()
    kinds = {one["properties"]["answer"]["const"] for one in definitions}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == kinds
    fields = {field for one in definitions for field in one["properties"]}
    assert {field for field in fields if f"`{field}`" not in PAGE} == {"answer"}


def test_the_python_on_the_page_runs() -> None:
    (written,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    ask = "httpx.post(server.base_url + '/chat/completions', json={'model': 'm', 'messages': []})"
    exec(compile("import httpx\n" + written.replace("...", f"{ask}; {ask}"), "the page", "exec"), {})  # our own page


def test_the_server_knows_nothing_of_the_pipeline() -> None:
    files = sorted((ROOT / "workers" / "fake_llm").glob("*.py"))
    assert len(files) > 10
    named = {
        name for path in files for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
    }
    assert named & {"pipeline", "schemas"} == set()
