from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner

from pipeline.errors import Config, ConvmineError, Poison, Retryable
from workers import processes
from workers.cli import main
from workers.cli.worker import worker


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("CONVMINE_")]:
        monkeypatch.delenv(name)


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException | None, *arguments: str) -> object:
    """The exit status of ``convmine worker`` when running the stages ends with this error."""

    async def run_stages(*_: object) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(processes, "run_stages", run_stages)
    monkeypatch.setattr(sys, "argv", ["convmine", "worker", *(arguments or ("asr",))])
    try:
        main()
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 0),
        (Retryable("Qdrant does not answer", dependency="qdrant"), 75),
        (Config("CONVMINE_ASR_ENGINE", "is not installed"), 78),
        (Poison("no CloudEvent"), 1),
        (ConvmineError("something else"), 1),
    ],
    ids=["drained", "away", "wrong setting", "poison", "anything else"],
)
def test_the_exit_status_says_whether_to_start_the_worker_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: ConvmineError | None, status: int
) -> None:
    assert ended(monkeypatch, error) == status
    said = capsys.readouterr().err
    assert said == (f"convmine: {error.message}\n" if error else "")


def test_a_setting_that_is_wrong_before_anything_starts_is_no_reason_to_start_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVMINE_RUNTIME_IN_FLIGHT", "0")
    assert ended(monkeypatch, None) == 78
    assert "CONVMINE_RUNTIME_IN_FLIGHT" in capsys.readouterr().err


def test_wrong_use_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, None, "no-such-stage") == 2


def test_a_fault_of_ours_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        ended(monkeypatch, ZeroDivisionError())


def test_another_command_ends_with_one_whatever_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVMINE_RUNTIME_IN_FLIGHT", "0")
    monkeypatch.setattr(sys, "argv", ["convmine", "topics", "list", "--json"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "config"


def test_help_names_every_exit_status() -> None:
    shown = CliRunner().invoke(worker, ["--help"]).output
    for status in ("0", "75", "78", "1"):
        assert f"\n    {status} " in shown
