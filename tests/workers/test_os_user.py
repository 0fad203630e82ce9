from __future__ import annotations

import os
import pwd

import pytest

from workers.os_user import operator, os_user


def test_no_variable_changes_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert os_user() == pwd.getpwuid(os.getuid()).pw_name
    assert operator().startswith(f"{os_user()}@")


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_123_456)
    assert os_user() == "uid:4000123456"
