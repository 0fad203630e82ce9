from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.gateway.addresses import Addresses


@pytest.mark.parametrize(
    ("peer", "forwarded", "whose"),
    [
        ("9.9.9.9", "", "9.9.9.9"),
        ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
        ("10.0.0.1", "8.8.8.8, 1.2.3.4, 10.0.0.2:80", "1.2.3.4"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("::ffff:9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::/64"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "1.2.3.4", "fe80::/64"),
        ("10.0.0.1", "nobody", "nobody"),
    ],
)
def test_whose_request_it_is(peer: str, forwarded: str, whose: str) -> None:
    assert Addresses(["10.0.0.0/8"]).of(peer, forwarded) == whose


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_sent_is_somebody_in_few_characters(peer: str, forwarded: str) -> None:
    assert len(Addresses(["10.0.0.0/8"]).of(peer, forwarded)) <= 100
