from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from pipeline.access.keys import Keyring, NewKey, new_key
from pipeline.access.principal import Principal
from pipeline.questions.asker import Asker

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def made(*scopes: str, expires_at: datetime | None = None) -> NewKey:
    return new_key(scopes, tenant="acme", now=NOW, expires_at=expires_at, name="a key")


def test_a_key_opens_what_it_was_made_for_and_its_text_is_not_kept() -> None:
    key = made("analyst")
    keyring = Keyring().with_key(key.kept)
    text = key.text.get_secret_value()
    assert keyring.principal(text, NOW) == Principal(key.kept.id, "acme", frozenset({"analyst"}), "a key")
    assert text.rpartition("_")[2] not in keyring.model_dump_json()
    assert text not in repr(key)


def test_no_two_keys_are_alike() -> None:
    assert len({made("analyst").text.get_secret_value() for _ in range(100)}) == 100


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text[:-1] + "~", lambda text: text + "x"])
def test_a_text_that_is_almost_a_key_opens_nothing(change: object) -> None:
    assert callable(change)
    key = made("analyst")
    assert Keyring().with_key(key.kept).principal(change(key.text.get_secret_value()), NOW) is None


def test_the_id_of_one_key_with_the_secret_of_another_opens_nothing() -> None:
    one, other = made("admin"), made("analyst")
    keyring = Keyring().with_key(one.kept).with_key(other.kept)
    secret = other.text.get_secret_value().split("_", 2)[2]
    assert keyring.principal(f"cmk_{one.kept.id}_{secret}", NOW) is None


def test_a_key_ends_when_it_expires_or_is_revoked() -> None:
    key = made("analyst", expires_at=NOW + timedelta(days=1))
    keyring, text = Keyring().with_key(key.kept), key.text.get_secret_value()
    assert keyring.principal(text, NOW + timedelta(hours=23)) is not None
    assert keyring.principal(text, NOW + timedelta(days=1)) is None
    assert keyring.revoked(key.kept.id, NOW).principal(text, NOW) is None


@pytest.mark.parametrize("scopes", [(), ("analist",), ("agent:",), ("agent:a", "agent:b"), ("agent:a\nb",)])
def test_scopes_that_are_none_are_refused(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        made(*scopes)


@pytest.mark.parametrize(
    ("scopes", "asker"),
    [
        ({"analyst"}, Asker("acme")),
        ({"supervisor"}, Asker("acme")),
        ({"agent:bob"}, Asker("acme", "bob")),
        ({"agent:bob", "publish"}, Asker("acme", "bob")),
        ({"agent:bob", "supervisor"}, Asker("acme")),
        ({"publish"}, None),
    ],
)
def test_who_asks_follows_from_the_widest_scope(scopes: set[str], asker: Asker | None) -> None:
    assert Principal("id", "acme", frozenset(scopes)).asker == asker
