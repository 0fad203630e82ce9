from __future__ import annotations

import json
import shlex

import pytest
from mined_store import Convmine


def test_a_store_is_made_once_and_what_is_to_be_done_is_said(convmine: Convmine) -> None:
    made = convmine("store", "apply")
    assert (made.code, made.stderr) == (0, "")
    assert "calls: made calls-1\n" in made.stdout
    assert convmine("store", "apply").stdout == "nothing to do\n"
    assert json.loads(convmine("store", "apply", "--json").stdout) == {"steps": [], "others": []}


def test_changing_the_embedder_works_by_what_each_command_says_to_do_next(
    convmine: Convmine, monkeypatch: pytest.MonkeyPatch
) -> None:
    convmine("store", "apply")
    monkeypatch.setenv("CONVMINE_STORE_EMBEDDER", "wordllama")
    refused = convmine("calls", "list")
    assert refused.code == 1
    assert "(convmine store apply --re-embed makes it anew" in refused.stderr
    assert "to go on with the old: CONVMINE_STORE_EMBEDDER=hashing)" in refused.stderr
    made = convmine("store", "apply", "--re-embed")
    assert "utterances: made utterances-2 with wordllama-l2-supercat-256, 0 points" in made.stdout
    assert convmine("calls", "list").code == 0
    _, _, next_step = made.stdout.strip().rpartition(": ")
    dropped = convmine(*shlex.split(next_step)[1:])
    assert "utterances: deleted utterances-1" in dropped.stdout
    assert convmine("store", "apply").stdout == "nothing to do\n"
