"""The demo as a person runs it: on files, twice, and with the commands that it tells to type next."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from processes import convmine, environment

from pipeline import samples

CALL = samples.folder() / "calls" / "call-04-bad-moment.ogg"
CHAT = samples.folder() / "chats" / "chat-zh-02.json"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment({"CONVMINE_STORE_PATH": str(tmp_path / "qdrant")})


def test_a_recording_and_a_chat_of_ones_own_are_mined_and_a_second_run_makes_no_doubles(env: dict[str, str]) -> None:
    arguments = ("demo", str(CALL), str(CHAT), "--channel", "0=agent", "--channel", "1=customer", "--json")
    first, second = (json.loads(convmine(*arguments, env=env).stdout)["items"] for _ in range(2))
    assert first == second
    call, chat = first
    assert "call me on thursday" in " ".join(turn["text"] for turn in call["turns"])
    assert call["outcome_inferred"]["name"] == "call_back"
    assert {turn["role"] for turn in chat["turns"]} == {"agent", "customer"}
    assert chat["outcome_inferred"]["name"] == "cancelled"
    for item in first:
        assert item["intents"]
        assert item["suggestions"]
        assert all(any(intent["quote"] in turn["text"] for turn in item["turns"]) for intent in item["intents"])


def test_the_three_commands_that_it_prints_work_as_typed(env: dict[str, str]) -> None:
    said = convmine("demo", str(CHAT), env=env).stdout
    commands = [shlex.split(line) for line in said.split("Next:")[1].strip().splitlines()]
    assert [command[1] for command in commands] == ["search", "calls", "query"]
    for command in commands:
        assert command[0].endswith("/convmine")
        assert "chat-zh-02" in convmine(*command[1:], env=env).stdout


def test_a_recording_of_ones_own_comes_with_how_far_to_trust_it(env: dict[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "letter.wav"
    bad.write_text("Dear customer")
    done = convmine("demo", str(bad), env=env, check=False)
    assert done.returncode == 1
    assert "no audio" in done.stdout
    for setting in ("CONVMINE_ASR_ENGINE", "whisper", "faster-whisper", "CONVMINE_EXTRACT_EXTRACTOR"):
        assert setting in done.stdout


@pytest.mark.parametrize(
    ("content", "reason"), [("{", "no JSON"), ('{"call_id": "x"}', "messages"), ('{"messages": []}', "call_id")]
)
def test_a_file_that_is_no_conversation_is_refused_in_one_line(
    env: dict[str, str], tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "chat.json"
    path.write_text(content)
    done = convmine("demo", str(path), env=env, check=False)
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["--language", "English"], ["--channel", "agent"], ["no-such-file.wav"]], ids=lambda a: a[0]
)
def test_wrong_use_exits_with_two(env: dict[str, str], arguments: list[str]) -> None:
    assert convmine("demo", *arguments, env=env, check=False).returncode == 2


def test_made_up_calls_are_stored_and_found_and_say_that_they_are_made_up(env: dict[str, str]) -> None:
    said = convmine("demo", "--synthetic", "12", "--no-samples", env=env).stdout
    assert "12 made-up calls" in said
    command = shlex.split(said.split("Next:")[1].strip().splitlines()[0])
    assert "synthetic-0000" in convmine(*command[1:], env=env).stdout
    assert json.loads(convmine("demo", "--synthetic", "12", "--no-samples", "--json", env=env).stdout) == {
        "made_up": 12
    }


def test_only_made_up_calls_can_do_without_the_samples(env: dict[str, str]) -> None:
    assert convmine("demo", "--no-samples", env=env, check=False).returncode == 2
    assert convmine("demo", "--synthetic", "0", env=env, check=False).returncode == 2
