"""``convmine publish vcon`` with a broker that keeps what it is given."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import soundfile
from mined_store import Convmine

from schemas.audio import RecordingAvailable
from schemas.transcript import TranscriptCompleted
from schemas.wire import Role
from workers.edge import Edge
from workers.records import NewRecord, Record, read_event

AT = "2026-03-02T09:30:00+00:00"


def sound(channels: int) -> bytes:
    """A WAV file with a tenth of a second of silence."""
    held = BytesIO()
    soundfile.write(held, np.zeros((800, channels)), 8_000, format="WAV")
    return held.getvalue()


AUDIO = sound(2)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> list[NewRecord]:
    """The records that were published."""
    kept: list[NewRecord] = []

    def publish(records: Sequence[NewRecord]) -> list[tuple[str, int, int]]:
        kept.extend(records)
        return [(record.topic, 0, len(kept)) for record in records]

    @contextmanager
    def publishing(_edge: Edge) -> Iterator[Callable[[Sequence[NewRecord]], list[tuple[str, int, int]]]]:
        yield publish

    monkeypatch.setattr(Edge, "publishing", publishing)
    return kept


def payload(record: NewRecord) -> Any:
    inbound = read_event(Record(record.topic, 0, 0, record.key, record.value, record.headers))
    assert inbound is not None
    return inbound.payload


def vcon(path: Path, *dialog: dict[str, Any], **more: Any) -> Path:
    made = {
        "vcon": "0.4.0",
        "uuid": path.stem,
        "parties": [{"role": "customer"}, {"role": "agent"}],
        "dialog": [*dialog],
    }
    path.write_text(json.dumps({**made, **more}))
    return path


def text(body: str) -> dict[str, Any]:
    return {"type": "text", "start": AT, "parties": [0], "body": body, "encoding": "none"}


def test_an_exported_call_comes_in_as_it_went_out(analyst: Convmine, broker: list[NewRecord], tmp_path: Path) -> None:
    assert analyst("export", "vcon", "--out", str(tmp_path / "out")).code == 0
    done = analyst("publish", "vcon", str(tmp_path / "out"), "--json")
    assert (done.code, done.stderr) == (0, "")
    assert [item["call_id"] for item in json.loads(done.stdout)["items"]] == ["call-one", "call-two"]
    back = payload(broker[0])
    assert isinstance(back, TranscriptCompleted)
    stored = json.loads(analyst("calls", "transcript", "call-one", "--json").stdout)
    assert [one.model_dump(mode="json") for one in back.segments] == stored["segments"]
    assert (back.call.agent, back.call.team, back.call.scenario) == ("ann", "north", "telecom")


def test_what_is_personal_is_masked_before_it_leaves(
    convmine: Convmine, broker: list[NewRecord], tmp_path: Path
) -> None:
    done = convmine("publish", "vcon", str(vcon(tmp_path / "a.vcon", text("my card is 4111 1111 1111 1111"))))
    assert done.code == 0
    assert "published a to calls.transcripts.batch" in done.stdout
    assert payload(broker[0]).segments[0].text == "my card is [CARD]"


def test_a_recording_inside_is_written_where_workers_may_read_it_and_announced(
    convmine: Convmine, broker: list[NewRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = base64.urlsafe_b64encode(AUDIO).decode()
    part = {"type": "recording", "start": AT, "parties": [0, 1], "mediatype": "audio/x-wav", "encoding": "base64url"}
    made = vcon(tmp_path / "a.vcon", {**part, "body": body})
    refused = convmine("publish", "vcon", str(made))
    assert refused.code == 1
    assert "CONVMINE_AUDIO_ALLOWED_ROOTS" in refused.stderr
    monkeypatch.setenv("CONVMINE_AUDIO_ALLOWED_ROOTS", str(tmp_path / "audio"))
    assert convmine("publish", "vcon", str(made)).code == 0
    announced = payload(broker[0])
    assert isinstance(announced, RecordingAvailable)
    assert announced.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert [channel.role for channel in announced.channels] == [Role.CUSTOMER, Role.AGENT]
    path = Path(unquote(urlsplit(announced.dataref).path))
    assert path.is_relative_to(tmp_path / "audio")
    assert (path.read_bytes(), path.suffix, path.stat().st_mode & 0o777) == (AUDIO, ".wav", 0o600)
    mixed = {**part, "body": base64.urlsafe_b64encode(sound(1)).decode()}
    assert convmine("publish", "vcon", str(vcon(tmp_path / "b.vcon", mixed))).code == 0
    assert payload(broker[1]).channels == (), "both parties are on its one channel"


def test_a_recording_elsewhere_is_announced_only_if_it_is_the_one_that_is_meant(
    convmine: Convmine, broker: list[NewRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVMINE_AUDIO_ALLOWED_ROOTS", str(tmp_path))
    (tmp_path / "a.wav").write_bytes(AUDIO)
    url = (tmp_path / "a.wav").as_uri()

    def announced(data: bytes) -> Any:
        token = "sha512-" + base64.urlsafe_b64encode(hashlib.sha512(data).digest()).decode()
        part = {"type": "recording", "start": AT, "parties": [0], "url": url, "content_hash": token}
        return convmine("publish", "vcon", str(vcon(tmp_path / "a.vcon", part)))

    assert announced(AUDIO).code == 0
    assert (payload(broker[0]).dataref, payload(broker[0]).sha256) == (url, hashlib.sha256(AUDIO).hexdigest())
    changed = announced(b"something else")
    assert (changed.code, len(broker)) == (1, 1)
    assert "is not the one in content_hash" in changed.stderr


def test_of_several_files_those_that_can_be_read_are_published_and_the_others_told(
    convmine: Convmine, broker: list[NewRecord], tmp_path: Path
) -> None:
    vcon(tmp_path / "a.vcon", text("hello"))
    vcon(tmp_path / "b.vcon", text("hello"), payload="x", signatures=[])
    (tmp_path / "c.json").write_text("{")
    done = convmine("publish", "vcon", str(tmp_path))
    assert (done.code, len(broker)) == (1, 1)
    signed, broken = sorted(done.stderr.splitlines())
    assert signed.startswith(f"convmine: {tmp_path}/b.vcon: it is signed (JWS)")
    assert broken.startswith(f"convmine: {tmp_path}/c.json: it is no JSON")
