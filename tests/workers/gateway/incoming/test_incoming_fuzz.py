"""Whatever is sent to the pages by which calls come in is taken or refused: never a fault of ours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from listeners import gateway

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["c1", "agent", "won", "text", "2026-03-02T09:30:00Z", "9999-12-31T23:59:59-23:59", "\x00", "en"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("call_id", "medium", "channels", "agent", "customer_id", "consent", "started_at", "scenario", "language"),
        *("at_ms", "duration_ms", "reason", "role", "text", "message_id", "sent_at", "name", "result", "observed_by"),
        *("observed_at", "uri", "sha256", "encoding", "rate", "roles", "split", "markers_ms", "revision"),
    ]
)
BODIES = st.one_of(VALUES, st.dictionaries(NAMES, VALUES, max_size=6))
PAGES = ("", "/{}/update", "/{}/hold", "/{}/resume", "/{}/end", "/{}/messages", "/{}/outcome", "/{}/recordings")
IDS = st.sampled_from(["c1", "x/../y", "%00", "%2e%2e", "é", "%ff", "a%20b", "c" * 201])
KEYS = st.one_of(st.none(), st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=210))


def test_no_request_is_a_fault(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        context = gateway(tmp_path, listens=False)
        on = runner.run(context.__aenter__())

        @settings(max_examples=250, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from(PAGES), IDS, BODIES, KEYS)
        def check(page: str, call_id: str, body: Any, key: str | None) -> None:
            headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
            path = "/v1/calls" + page.format(call_id)
            answer = runner.run(on.post(path, content=json.dumps(body).encode(), headers=headers))
            assert answer.status_code in {200, 201, 400, 404, 405, 409, 422}, (path, body)

        check()
        keys = {one.key.partition(b":")[0] for one in on.publisher.records}
        assert keys == {b"acme"}
        runner.run(context.__aexit__(None, None, None))
