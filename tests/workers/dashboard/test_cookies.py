"""What browsers send as cookies, and what they are told to keep."""

from __future__ import annotations

import pytest

from workers.dashboard.cookies import read_cookie, write_cookie


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ours=a.b-c_1", "a.b-c_1"),
        ("other=x; ours=mine; more=y", "mine"),
        ('ours="quoted"', "quoted"),
        ("other=x", None),
        ("", None),
        ("ours=a\0b", None),
        ("=;;=;", None),
        ("Path=/; ours", None),
    ],
)
def test_a_cookie_is_found_among_others_and_nothing_where_the_header_cannot_be_read(
    header: str, value: str | None
) -> None:
    assert read_cookie(header, "ours") == value


def test_a_cookie_is_for_no_script_and_by_https_for_nothing_else() -> None:
    kept = write_cookie("ours", "x", 60, secure=True, same_site="Strict")
    assert kept == "ours=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
    lax = write_cookie("ours", "x", 60, secure=False, same_site="Lax", path="/sign-in")
    assert lax == "ours=x; Path=/sign-in; Max-Age=60; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize("lasts_s", [0, -5])
def test_a_cookie_that_lasts_no_time_is_taken_away(lasts_s: int) -> None:
    assert "; Max-Age=0;" in write_cookie("ours", "", lasts_s, secure=False, same_site="Strict")
