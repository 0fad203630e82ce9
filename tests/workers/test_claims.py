from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.blobs.names import LARGEST_BLOB, call_folder, checked
from pipeline.errors import Poison, Retryable
from pipeline.handling import Outbound
from pipeline.settings import ClaimSettings, Settings
from pipeline.stages import AUDIO, GRAPH, STAGES, TOPICS, transcripts
from pipeline.testing import InMemoryBlobs
from schemas.call import CallFailed
from schemas.envelope import message
from schemas.wire import Lane
from workers.claims import (
    DATAREF,
    KEPT_S,
    LENGTH,
    SHA256,
    Claims,
    claims_of,
    is_claimed,
    needs_claim,
    with_claim,
)
from workers.records import NewRecord, Record, read_event, write_event

TRANSCRIPTS = transcripts(Lane.BATCH)
LIVE = next(stage for stage in STAGES if stage.remembers)


def event(reason: str = "x", *, call: str = "a", tenant: str = "t", topic: str = TRANSCRIPTS) -> NewRecord:
    """An event that is as large as its ``reason``."""
    payload = CallFailed(
        call_id=call, stage="s", reason=reason, error="E", retryable=False, attempts=1, topic="t", partition=0, offset=0
    )
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return write_event(Outbound(topic, message(payload, id="1", source="/t", time=at, subject=call, tenant_id=tenant)))


def arrived(record: NewRecord) -> Record:
    return Record(record.topic, 0, 7, record.key, record.value, record.headers)


def changed(record: Record, name: str, value: bytes | None) -> Record:
    """The record with another value of a header, or without it."""
    headers = tuple((held, old) for held, old in record.headers if held != name)
    return replace(record, headers=headers if value is None else (*headers, (name, value)))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def blobs() -> InMemoryBlobs:
    return InMemoryBlobs()


@pytest.fixture
def claims(blobs: InMemoryBlobs) -> Claims:
    return Claims(blobs, threshold_bytes=1_000)


@pytest.fixture
async def claimed(claims: Claims) -> Record:
    """A record whose value was put away."""
    return arrived(await claims.put_away(event("x" * 2_000)))


@given(
    reason=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    call=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    threshold=st.integers(1, 600),
)
@settings(max_examples=60)
async def test_a_record_comes_back_as_it_went_in_whatever_its_size(reason: str, call: str, threshold: int) -> None:
    claims = Claims(InMemoryBlobs(), threshold)
    record = event(reason, call=call)
    travelling = await claims.put_away(record)
    assert len(travelling.value or b"") <= threshold
    assert await claims.redeem(arrived(travelling)) == arrived(record)


async def test_a_large_value_lies_in_the_store_and_its_record_says_where(claims: Claims, blobs: InMemoryBlobs) -> None:
    record = event("x" * 2_000, call="call-1")
    value = record.value or b""
    digest = hashlib.sha256(value).hexdigest()
    travelling = await claims.put_away(record)
    assert (travelling.key, travelling.value) == (record.key, b"")
    assert travelling.headers[: len(record.headers)] == record.headers
    assert dict(travelling.headers[len(record.headers) :]) == {
        DATAREF: f"memory:///t/call-1/{digest}.json".encode(),
        SHA256: digest.encode(),
        LENGTH: str(len(value)).encode(),
    }
    assert blobs.kept[f"{call_folder('t', 'call-1')}/{digest}.json"][0] == value


async def test_a_small_value_costs_nothing_but_a_look_at_its_length(claims: Claims, blobs: InMemoryBlobs) -> None:
    record = event()
    assert await claims.put_away(record) is record
    came = arrived(record)
    assert await claims.redeem(came) is came
    assert blobs.kept == {}


async def test_putting_away_again_gives_the_same_record(claims: Claims, blobs: InMemoryBlobs) -> None:
    record = event("x" * 2_000)
    travelling = await claims.put_away(record)
    assert await claims.put_away(record) == travelling
    assert await claims.put_away(travelling) is travelling
    assert len(blobs.kept) == 1


def test_the_threshold_itself_is_not_above_the_threshold() -> None:
    record = NewRecord(TRANSCRIPTS, b"k", bytes(10), ())
    assert not needs_claim(record, 10)
    assert needs_claim(record, 9)
    assert not needs_claim(replace(record, value=None), 1)


@pytest.mark.parametrize(
    "topic", [GRAPH, AUDIO, LIVE.state_topic, LIVE.dead_letters(AUDIO), f"{TRANSCRIPTS}.extract.dlq"]
)
def test_what_is_compacted_audio_and_dead_letters_stay_whole(topic: str) -> None:
    assert topic in {one.name for one in TOPICS}
    assert not needs_claim(NewRecord(topic, b"k", bytes(10), ()), 1)


@given(tenant=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True), call=st.text(min_size=1))
def test_every_tenant_and_call_has_a_folder_of_its_own(tenant: str, call: str) -> None:
    folder = checked(call_folder(tenant, call))
    assert folder.count("/") == 1
    assert folder != call_folder(tenant, call + "x")


def test_a_value_is_kept_until_its_record_and_then_its_dead_letter_are_gone() -> None:
    kept_ms = {topic.name: topic.retention_ms or 0 for topic in TOPICS}
    both = {
        stage.name: kept_ms[topic] + kept_ms[stage.dead_letters(topic)] for stage in STAGES for topic in stage.reads
    }
    assert all(milliseconds < KEPT_S * 1_000 for milliseconds in both.values())


async def test_an_event_with_both_value_and_location_is_read_as_it_is(claims: Claims) -> None:
    record = arrived(event())
    both = changed(record, DATAREF, b"https://elsewhere/value.json")
    assert not is_claimed(both)
    assert await claims.redeem(both) is both
    assert read_event(both) is not None


async def test_an_unknown_type_is_left_to_be_skipped_wherever_its_value_lies(claims: Claims, claimed: Record) -> None:
    strange = changed(changed(claimed, DATAREF, b"https://elsewhere/x"), "ce_type", b"com.example.thing")
    assert await claims.redeem(strange) is strange
    assert read_event(strange) is None


async def test_headers_that_are_no_event_are_left_to_who_decodes_them(claims: Claims, claimed: Record) -> None:
    broken = changed(claimed, "ce_id", None)
    assert await claims.redeem(broken) is broken
    with pytest.raises(Poison, match="ce_id"):
        read_event(broken)


async def test_a_null_value_with_a_location_is_redeemed(claims: Claims, claimed: Record) -> None:
    assert await claims.redeem(replace(claimed, value=None)) == await claims.redeem(claimed)


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        (SHA256, None, "needs the header convmine-sha256"),
        (SHA256, b"\xff", "needs the header convmine-sha256"),
        (SHA256, b"0" * 64, "sha256 is"),
        (LENGTH, None, "needs the header convmine-length"),
        (LENGTH, b"-1", "needs the header convmine-length"),
        (LENGTH, "²".encode(), "needs the header convmine-length"),
        (LENGTH, b"3", "the event says 3"),
        (LENGTH, str(LARGEST_BLOB + 1).encode(), "may have"),
        (DATAREF, b"memory:///../secret", "no name"),
        (DATAREF, b"memory:///t/a/gone.json", "not there any more"),
    ],
)
async def test_a_claim_that_cannot_be_right_is_refused_for_good(
    claims: Claims, claimed: Record, header: str, value: bytes | None, reason: str
) -> None:
    with pytest.raises(Poison, match=reason):
        await claims.redeem(changed(claimed, header, value))


async def test_a_value_that_was_exchanged_is_refused(claims: Claims, claimed: Record, blobs: InMemoryBlobs) -> None:
    ((name, (value, at)),) = blobs.kept.items()
    blobs.kept[name] = (value.replace(b"x", b"y"), at)
    with pytest.raises(Poison, match="sha256"):
        await claims.redeem(claimed)


async def test_a_header_in_capitals_is_the_same_header_and_one_without_value_is_none(
    claims: Claims, claimed: Record
) -> None:
    shouted = replace(claimed, headers=tuple((name.upper(), value) for name, value in claimed.headers))
    assert (await claims.redeem(shouted)).value == (await claims.redeem(claimed)).value
    empty = (DATAREF, None)
    assert not is_claimed(replace(arrived(event()), value=b"", headers=(empty,)))  # type: ignore[arg-type]  # Kafka may


def test_the_pure_parts_need_no_store() -> None:
    record = with_claim(NewRecord("topic", b"k", b"abc", (("a", b"1"),), partition=3), "file:///x", "d" * 64)
    assert record == NewRecord(
        "topic",
        b"k",
        b"",
        (("a", b"1"), (DATAREF, b"file:///x"), (SHA256, b"d" * 64), (LENGTH, b"3")),
        partition=3,
    )
    assert is_claimed(arrived(record))


async def test_the_claims_of_an_installation_lie_in_the_folder_of_its_settings(tmp_path: Path) -> None:
    claims = claims_of(Settings(claims=ClaimSettings(root=tmp_path, threshold_bytes=100)))
    record = event("x" * 200, tenant="..", call="../../etc")
    travelling = await claims.put_away(record)
    assert len(files_in(tmp_path)) == 1
    other = claims_of(Settings(claims=ClaimSettings(root=tmp_path)))
    assert await other.redeem(arrived(travelling)) == arrived(record)


async def test_tidying_removes_what_is_past_its_time_and_outlives_an_outage() -> None:
    class Flaky(InMemoryBlobs):
        outages = 1
        swept = asyncio.Event()

        async def expire(self, older_than_s: float) -> int:
            if self.outages:
                self.outages -= 1
                raise Retryable("away", dependency="claims")
            self.swept.set()
            return await super().expire(older_than_s)

    now = [0.0]
    blobs = Flaky(now=lambda: now[0])
    await blobs.put("t/a/old.json", b"x")
    now[0] = KEPT_S
    await blobs.put("t/a/young.json", b"x")
    now[0] = KEPT_S + 1
    tidying = asyncio.create_task(Claims(blobs, 1).tidy(0.001))
    await asyncio.wait_for(blobs.swept.wait(), 10)
    tidying.cancel()
    assert list(blobs.kept) == ["t/a/young.json"]
