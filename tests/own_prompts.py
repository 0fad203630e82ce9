"""A folder of scenarios with the one that ships and a prompt of its own that declares a parameter of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import pipeline.scenarios

OWN = """---
id: extract
version: {version}
scenario: telecom
language: en
parameters: [tone, most, turns]
defaults: {{tone: brief, most: {most}}}
---
# system
Label at most {{{{ most }}}} things, in a {{{{ tone }}}} tone.
# user
{{% for turn in turns -%}}
[{{{{ turn.id }}}}] {{{{ turn.role }}}} {{{{ "%.1f"|format(turn.start_s) }}}}s: {{{{ turn.text }}}}
{{% endfor -%}}
"""


@pytest.fixture
def own_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, convmine: object) -> Path:
    """The folder of the prompts of ``telecom`` in English: ``extract.v7`` and ``extract.v8``."""
    del convmine  # which takes all settings away, and so has to come first
    telecom = tmp_path / "scenarios" / "telecom"
    shutil.copytree(Path(pipeline.scenarios.__file__).parent / "telecom", telecom)
    prompts = telecom / "en" / "prompts"
    prompts.mkdir(exist_ok=True)
    for version in (7, 8):
        (prompts / f"extract.v{version}.md").write_text(OWN.format(version=version, most=version), encoding="utf-8")
    monkeypatch.setenv("CONVMINE_SCENARIOS_PATH", str(tmp_path / "scenarios"))
    return prompts
