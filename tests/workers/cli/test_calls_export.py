from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mined_calls import TENANT, inbound, transcript
from mined_store import Convmine

from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from schemas.transcript import MaskedSpan, TranscriptCompleted, Word
from schemas.wire import Role

RATE_HZ = 8_000


def told() -> TranscriptCompleted:
    """A call whose second turn has a card, and the times of its words."""
    plain = transcript("call-card", ((Role.AGENT, "your card please"), (Role.CUSTOMER, "it is [CARD]")))
    timed = plain.segments[1].model_copy(
        update={
            "channel": 1,
            "words": (
                Word(text="it", start_ms=5_000, end_ms=5_200),
                Word(text="is", start_ms=5_200, end_ms=5_500),
                Word(text="[CARD]", start_ms=6_000, end_ms=8_000),
            ),
            "masked": (MaskedSpan(kind="card", start_ms=6_000, end_ms=8_000),),
        }
    )
    return plain.model_copy(update={"segments": (plain.segments[0], timed)})


@pytest.fixture
def with_card(tmp_path: Path, convmine: Convmine) -> Convmine:
    """The command line on a store with that call."""

    async def store() -> None:
        places = QdrantStore(Folder(tmp_path / "qdrant"), InThread(HashingEncoder()))
        await places.prepare()
        await build(store=places)(inbound(told()))
        await places.close()

    asyncio.run(store())
    assert os.environ["CONVMINE_TENANT"] == TENANT
    return convmine


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    soundfile.write(path, np.full((10 * RATE_HZ, 2), 0.5, np.float32), RATE_HZ)
    return path


def test_the_words_are_printed_as_text_unless_another_format_is_asked_for(with_card: Convmine) -> None:
    assert with_card("calls", "transcript", "call-card").stdout == (
        "00:00  agent     your card please\n00:05  customer  it is [CARD]\n"
    )
    assert with_card("calls", "transcript", "call-card", "--format", "srt").stdout.startswith("1\n00:00:00,000 --> ")
    assert with_card("calls", "transcript", "call-card", "--format", "vtt").stdout.startswith("WEBVTT\n")
    assert json.loads(with_card("calls", "transcript", "call-card", "--format", "vcon").stdout)["vcon"] == "0.4.0"


def test_json_has_the_times_of_words_and_of_what_is_masked_as_they_were_published(with_card: Convmine) -> None:
    found = json.loads(with_card("calls", "transcript", "call-card", "--json").stdout)
    assert found["segments"] == [one.model_dump(mode="json") for one in told().segments]
    assert (found["agent"], found["customer_id"], found["language"]) == ("ann", "c-1", "en")


def test_two_formats_at_once_are_wrong_use(with_card: Convmine) -> None:
    done = with_card("calls", "transcript", "call-card", "--json", "--format", "srt")
    assert done.code == 2
    assert "give one of them" in done.stderr


@pytest.mark.parametrize("command", [["transcript"], ["audio", "--recording", "x.wav", "--out", "y.wav"]])
def test_an_unknown_call_is_one_line_with_the_nearest(analyst: Convmine, command: list[str]) -> None:
    done = analyst("calls", command[0], "call-tow", *command[1:])
    assert (done.code, done.stdout) == (1, "")
    assert "call-two" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_recording_is_written_with_what_is_masked_muted(with_card: Convmine, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "muted.wav"
    done = with_card("calls", "audio", "call-card", "--recording", str(recording), "--out", str(out), "--json")
    assert json.loads(done.stdout) == {
        "call_id": "call-card",
        "out": str(out),
        "seconds": 10.0,
        "muted_s": 2.0,
        "masked": 1,
    }
    heard, _ = soundfile.read(out)
    assert not heard[6 * RATE_HZ : 8 * RATE_HZ].any()
    assert heard[: 5 * RATE_HZ].all()


def test_a_call_that_begins_later_in_its_recording_is_muted_there(
    with_card: Convmine, recording: Path, tmp_path: Path
) -> None:
    out = tmp_path / "muted.wav"
    said = ("--recording", str(recording), "--begins-at", "1.5", "--out", str(out))
    assert "of which 2.0 s are muted" in with_card("calls", "audio", "call-card", *said).stdout
    heard, _ = soundfile.read(out)
    assert heard[6 * RATE_HZ : 7 * RATE_HZ].all()
    assert not heard[int(7.5 * RATE_HZ) : int(9.5 * RATE_HZ)].any()


def test_a_uri_is_fetched_only_from_where_workers_may(
    with_card: Convmine, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ("--recording", recording.as_uri(), "--out", str(tmp_path / "muted.wav"))
    refused = with_card("calls", "audio", "call-card", *said)
    assert refused.code == 1
    assert "CONVMINE_AUDIO_ALLOWED_ROOTS" in refused.stderr
    monkeypatch.setenv("CONVMINE_AUDIO_ALLOWED_ROOTS", str(tmp_path))
    assert with_card("calls", "audio", "call-card", *said).code == 0


@pytest.mark.parametrize(
    ("files", "code", "reason"),
    [
        (("call.wav", "call.wav"), 2, "--out is the recording itself"),
        (("away.wav", "out.wav"), 1, "away.wav cannot be"),
        (("call.wav", "no/such/folder.wav"), 1, "folder.wav"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(
    with_card: Convmine, recording: Path, files: tuple[str, str], code: int, reason: str
) -> None:
    source, target = (str(recording.parent / name) for name in files)
    said = ("--recording", source, "--out", target)
    done = with_card("calls", "audio", "call-card", *said)
    assert done.code == code
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert recording.stat().st_size > 300_000
