from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pipeline.access.keys import NewKey, new_key
from pipeline.errors import Config
from workers.gateway.key_file import KeyFile, change_keys, read_keys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keys.json"


def added(path: Path) -> NewKey:
    made = new_key(["analyst"], tenant="acme", now=datetime.now(UTC))
    change_keys(path, lambda keyring: keyring.with_key(made.kept))
    return made


def test_a_key_that_is_added_or_revoked_counts_from_the_next_request_on(path: Path) -> None:
    first = added(path)
    keys = KeyFile(path)
    second = added(path)
    assert keys.principal(first.text.get_secret_value()) is not None
    assert keys.principal(second.text.get_secret_value()) is not None
    change_keys(path, lambda keyring: keyring.revoked(first.kept.id, datetime.now(UTC)))
    assert keys.principal(first.text.get_secret_value()) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"keys": [{"id": "x"}]}', b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_leaves_the_last_keys_and_is_said_once(path: Path, content: bytes | None) -> None:
    key = added(path)
    keys = KeyFile(path)
    path.unlink() if content is None else path.write_bytes(content)
    with capture_logs() as logs:
        assert keys.principal(key.text.get_secret_value()) is not None
        assert keys.principal(key.text.get_secret_value()) is not None
    assert [entry["log_level"] for entry in logs] == ["warning"]
    newer = added(path) if content is None else None
    assert newer is None or keys.principal(newer.text.get_secret_value()) is not None


@pytest.mark.parametrize("content", [None, b"[]", b'{"keys": [{"sha256": "secret-of-somebody"}]}'])
def test_a_gateway_does_not_start_without_its_keys(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Config) as raised:
        KeyFile(path)
    assert raised.value.setting == "CONVMINE_GATEWAY_KEYS"
    assert "secret-of-somebody" not in raised.value.message


def test_only_the_owner_can_read_the_file_and_nothing_else_is_left(path: Path) -> None:
    added(path)
    added(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["keys.json"]


def test_keys_that_are_made_at_the_same_time_are_all_kept(path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: added(path), range(12)))
    assert {key.id for key in read_keys(path).keys} == {one.kept.id for one in made}


def test_a_file_of_something_else_is_not_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(Config):
        added(path)
    assert path.read_text() == "precious"
