from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import Config
from pipeline.webhooks.receivers import CHECK_S, Followed, key_of, read_receivers

SECRET = "whsec_" + "c2VjcmV0" * 5
GOOD = {
    "name": "crm",
    "url": "https://crm.example/hook",
    "tenant": "acme",
    "events": "[call.insight]",
    "secret": SECRET,
}


def entry(**changes: str | None) -> str:
    """One receiver in YAML; a field that is None is left out."""
    fields = {**GOOD, **changes}
    return "- {" + ", ".join(f"{name}: {value}" for name, value in fields.items() if value is not None) + "}\n"


def written(path: Path, *entries: str) -> Path:
    path.write_text("webhooks:\n" + "".join(f"  {one}" for one in entries), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "webhooks.yaml"


def test_a_receiver_is_read_with_its_secrets(file: Path) -> None:
    older = "whsec_" + "b2xkZXIh" * 4
    (found,) = read_receivers(written(file, entry(secret=f"[{SECRET}, {older}]")), allow_private=False)
    assert (found.name, found.tenant, found.events) == ("crm", "acme", frozenset({"call.insight"}))
    assert [key_of(one) for one in found.secret] == [b"secret" * 5, b"older!" * 4]
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ftp://crm.example/"}, "no http"),
        ({"url": "https://"}, "no http"),
        ({"url": "https://bob:pw@crm.example/"}, "user name"),
        ({"url": "https://crm.example:99999/"}, "no http"),
        ({"url": "http://crm.example/"}, "no https"),
        ({"events": "[call.started]"}, "call.insight"),
        ({"events": "[]"}, "events"),
        ({"secret": "whsec_c2hvcnQ="}, "24 to 64"),
        ({"secret": "c2VjcmV0" * 5}, "24 to 64"),
        ({"secret": "whsec_not%base64"}, "24 to 64"),
        ({"secret": None}, "secret"),
        ({"tenant": None}, "tenant"),
        ({"tenant": "'*'"}, "tenant"),
        ({"name": "Bad Name"}, "name"),
        ({"color": "red"}, "color"),
    ],
)
def test_what_is_not_allowed_is_said_without_a_secret(file: Path, changes: dict[str, str | None], said: str) -> None:
    with pytest.raises(Config) as caught:
        read_receivers(written(file, entry(**changes)), allow_private=False)
    assert caught.value.setting == "CONVMINE_WEBHOOKS_FILE"
    assert said in caught.value.message
    assert not any(text in caught.value.message for text in ("whsec_c", "whsec_not", "bob:pw", "c2VjcmV0"))


def test_two_of_one_name_are_refused(file: Path) -> None:
    with pytest.raises(Config, match="two receivers named crm"):
        read_receivers(written(file, entry(), entry()), allow_private=False)


@pytest.mark.parametrize("content", [b"webhooks: [", b"\xff\xfe", b"- a", b"a: &a [*a]"], ids=repr)
def test_a_file_that_is_none_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(Config, match="CONVMINE_WEBHOOKS_FILE"):
        read_receivers(file, allow_private=False)


def test_a_file_that_is_not_there_is_refused_and_an_empty_one_has_nobody(file: Path) -> None:
    with pytest.raises(Config, match="No such file"):
        read_receivers(file, allow_private=False)
    file.write_text("")
    assert read_receivers(file, allow_private=False) == ()


def test_a_changed_file_is_taken_up_and_a_broken_one_is_not(file: Path) -> None:
    at = [100.0]
    followed = Followed(written(file, entry()), allow_private=False, now=lambda: at[0])
    written(file, entry(), entry(name="other"))
    assert followed.changed() is None  # it was looked at just now
    at[0] += CHECK_S
    assert [one.name for one in followed.changed() or ()] == ["crm", "other"]
    at[0] += CHECK_S
    assert followed.changed() is None
    file.write_text("webhooks: [")
    at[0] += CHECK_S
    assert followed.changed() is None
    assert [one.name for one in followed.receivers] == ["crm", "other"]
    file.unlink()
    at[0] += CHECK_S
    assert followed.changed() is None
    assert len(followed.receivers) == 2
    new = file.with_suffix(".new")
    written(new, entry(name="third"))
    new.replace(file)
    at[0] += CHECK_S
    assert [one.name for one in followed.changed() or ()] == ["third"]


def test_without_a_file_nobody_gets_anything() -> None:
    followed = Followed(None, allow_private=False, now=lambda: 0.0)
    assert (list(followed.receivers), followed.changed()) == ([], None)
