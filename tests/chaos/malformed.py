"""Events that can never be handled, in every way that we could think of; each made out of one that could."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from workers.records import NewRecord

Spoil = Callable[[NewRecord, random.Random], NewRecord]


def _value(change: Callable[[bytes, random.Random], bytes | None]) -> Spoil:
    return lambda record, chance: replace(record, value=change(record.value or b"", chance))


def _field(**fields: Any) -> Spoil:
    def change(value: bytes, _chance: random.Random) -> bytes:
        return json.dumps({**json.loads(value), **fields}).encode()

    return _value(change)


def _without(name: str) -> Spoil:
    def change(value: bytes, _chance: random.Random) -> bytes:
        return json.dumps({key: held for key, held in json.loads(value).items() if key != name}).encode()

    return _value(change)


def _header(name: str, value: bytes | None) -> Spoil:
    """With another value in a header, or without it."""

    def spoil(record: NewRecord, _chance: random.Random) -> NewRecord:
        others = tuple(pair for pair in record.headers if pair[0] != name)
        return replace(record, headers=others if value is None else (*others, (name, value)))

    return spoil


def _claim(**headers: str) -> Spoil:
    """By a claim check that leads nowhere."""

    def spoil(record: NewRecord, _chance: random.Random) -> NewRecord:
        claim = {
            "ce_dataref": "file:///nowhere/at/all.json",
            "convmine-sha256": "0" * 64,
            "convmine-length": "17",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        added = tuple((name.replace("ce-", "ce_"), value.encode()) for name, value in claim.items())
        return replace(record, value=b"", headers=(*record.headers, *added))

    return spoil


SPOILS: Final[Mapping[str, Spoil]] = {
    "no JSON": _value(lambda _value, _chance: b"this is no JSON"),
    "cut off": _value(lambda value, chance: value[: chance.randrange(1, len(value) - 1)]),
    "empty": _value(lambda _value, _chance: b""),
    "no value": _value(lambda _value, _chance: None),
    "random bytes": _value(lambda _value, chance: chance.randbytes(200)),
    "no UTF-8": _value(lambda value, _chance: value.replace(b"engine", b"\xff\xfe\xfd")),
    "a list": _value(lambda value, _chance: b"[" + value + b"]"),
    "a number": _value(lambda _value, _chance: b"42"),
    "nested without end": _value(lambda _value, _chance: b"[" * 20_000),
    "as large as may be": _value(lambda _value, chance: b"x" * (990_000 + chance.randrange(1_000))),
    "a text for a number": _field(duration_ms="long"),
    "a negative length": _field(duration_ms=-1),
    "segments as text": _field(segments="hello"),
    "an unknown lane": _field(lane="slow"),
    "an empty id": _field(call_id=""),
    "no segments": _without("segments"),
    "no call id": _without("call_id"),
    "an unknown scenario": _field(call={"scenario": "no-such-scenario"}),
    "no id header": _header("ce_id", None),
    "no type header": _header("ce_type", None),
    "no tenant header": _header("ce_tenantid", None),
    "a tenant that is none": _header("ce_tenantid", b"a b/c"),
    "a time that is none": _header("ce_time", b"yesterday"),
    "a header that is no UTF-8": _header("ce_source", b"\xff\xff"),
    "another CloudEvents": _header("ce_specversion", b"0.3"),
    "no CloudEvent": lambda record, _chance: replace(record, headers=()),
    "an unknown major version": _header("ce_type", b"io.convmine.transcript.completed.v9"),
    "another schema": _header("ce_dataschema", b"urn:convmine:schema:call.insight:1.0"),
    "a claim outside": _claim(),
    "a claim without a hash": _claim(convmine_sha256=""),
    "a claim over the network": _claim(ce_dataref="https://example.org/value.json"),
}
"""Ways to spoil a good record, by name."""
