"""CloudEvents 1.0 in Kafka binary mode: which headers a message has and how they are read.

Source: CloudEvents 1.0.2 and its Kafka protocol binding. Attributes are UTF-8 headers with the prefix ``ce_``,
``datacontenttype`` is the header ``content-type``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, ValidationError

from schemas.registry import PAYLOADS
from schemas.wire import Identifier, Payload, Wire

Headers = tuple[tuple[str, bytes], ...]

TYPE_PREFIX: Final = "io.convmine."
JSON_CONTENT: Final = "application/json"
_TYPE: Final = re.compile(r"io\.convmine\.(?P<name>[a-z_.]+)\.v(?P<major>\d{1,4})")
_DATASCHEMA: Final = re.compile(r"urn:convmine:schema:(?P<name>[a-z_.]+):(?P<major>\d{1,4})\.(?P<minor>\d{1,4})")


class EnvelopeError(ValueError):
    """The headers are no CloudEvent of ours; the message says which header and what is expected."""


class UnknownMajor(EnvelopeError):
    """A known type in a major version that this program cannot read."""


class Envelope(Wire):
    """The attributes of one CloudEvent; ``subject`` is the call id where there is a call."""

    id: Identifier
    source: Identifier
    type: Identifier
    time: AwareDatetime
    subject: Identifier
    partitionkey: Annotated[str, Field(min_length=1, max_length=300)]  # an id with its tenant, and what kind it is
    tenantid: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    dataschema: Identifier
    traceparent: str | None = None
    datacontenttype: str = JSON_CONTENT


_ATTRIBUTES: Final[Mapping[str, str]] = {
    "ce_specversion": "specversion",
    **{f"ce_{name}": name for name in Envelope.model_fields.keys() - {"traceparent", "datacontenttype"}},
    "content-type": "datacontenttype",
    "traceparent": "traceparent",
}
"""The attribute that each header of ours holds."""


@dataclass(frozen=True, slots=True)
class Message:
    """A payload with its envelope: what a stage reads and writes."""

    envelope: Envelope
    payload: Payload


def type_of(model: type[Payload]) -> str:
    """The CloudEvents type of a payload, for example ``io.convmine.call.insight.v1``."""
    return f"{TYPE_PREFIX}{model.event_name}.v{model.version[0]}"


def dataschema_of(model: type[Payload]) -> str:
    """The schema's name with major and minor version, for example ``urn:convmine:schema:call.insight:1.0``."""
    major, minor = model.version
    return f"urn:convmine:schema:{model.event_name}:{major}.{minor}"


def to_headers(envelope: Envelope) -> Headers:
    """The Kafka record headers of an envelope."""
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", envelope.time.isoformat().encode()),
        ("ce_subject", envelope.subject.encode()),
        ("ce_partitionkey", envelope.partitionkey.encode()),
        ("ce_tenantid", envelope.tenantid.encode()),
        ("ce_dataschema", envelope.dataschema.encode()),
        ("content-type", envelope.datacontenttype.encode()),
    )
    return headers if envelope.traceparent is None else (*headers, ("traceparent", envelope.traceparent.encode()))


def from_headers(headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """Read the envelope back; of a repeated header the last one counts.

    Raises:
        EnvelopeError: a header is missing, is no UTF-8, or does not hold what it should.
    """
    fields = {"datacontenttype": ""}
    try:
        for name, value in headers:
            if value is not None and (attribute := _ATTRIBUTES.get(name) or _attribute(name)):
                fields[attribute] = value.decode()
    except UnicodeDecodeError as error:
        msg = f"a CloudEvents header is not UTF-8: {error.reason}"
        raise EnvelopeError(msg) from error
    if (spec := fields.get("specversion")) != "1.0":
        found = "is missing" if spec is None else f"is {spec!r}"
        msg = f"header ce_specversion {found}, expected '1.0'"
        raise EnvelopeError(msg)
    if "ce_traceparent" in fields:
        fields.setdefault("traceparent", fields["ce_traceparent"])
    try:
        return Envelope.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        what = "is missing" if first["type"] == "missing" else first["msg"]
        msg = f"header ce_{name}: {what}"
        raise EnvelopeError(msg) from error


def payload_model(envelope: Envelope) -> type[Payload] | None:
    """The model that reads this event; None where the type or its minor version is not known and is to be skipped.

    Raises:
        EnvelopeError: type and dataschema are not of the form that convmine writes, or do not agree.
        UnknownMajor: the type is known, but not in this major version.
    """
    return _payload_model(envelope.type, envelope.dataschema)


def encode(payload: Payload) -> bytes:
    """The record value of a payload: JSON without fields that are not set."""
    return payload.model_dump_json(exclude_none=True).encode()


def message(  # noqa: PLR0913 - the attributes of a CloudEvent, each named
    payload: Payload,
    *,
    id: str,  # noqa: A002 - the attribute's name in CloudEvents
    source: str,
    time: datetime,
    subject: str,
    tenant_id: str,
    key: str | None = None,
    traceparent: str | None = None,
) -> Message:
    """A payload in its envelope; ``key`` is ``tenant_id:subject`` unless given."""
    envelope = Envelope(
        id=id,
        source=source,
        type=type_of(type(payload)),
        time=time,
        subject=subject,
        partitionkey=key or f"{tenant_id}:{subject}",
        tenantid=tenant_id,
        dataschema=dataschema_of(type(payload)),
        traceparent=traceparent,
    )
    return Message(envelope, payload)


@lru_cache(maxsize=256)
def _payload_model(type_: str, dataschema: str) -> type[Payload] | None:
    if (kind := _TYPE.fullmatch(type_)) is None:
        if type_.startswith(TYPE_PREFIX):
            msg = f"header ce_type: {type_!r} has no version such as '.v1'"
            raise EnvelopeError(msg)
        return None
    if (model := PAYLOADS.get(kind["name"])) is None:
        return None
    major, minor = model.version
    if int(kind["major"]) != major:
        msg = f"header ce_type: {type_!r} has major version {kind['major']}, this program reads {major}"
        raise UnknownMajor(msg)
    schema = _DATASCHEMA.fullmatch(dataschema)
    if schema is None or schema["name"] != kind["name"] or schema["major"] != kind["major"]:
        msg = f"header ce_dataschema: {dataschema!r} does not name the schema of {type_!r}"
        raise EnvelopeError(msg)
    return model if int(schema["minor"]) <= minor else None


def _attribute(name: str) -> str | None:
    """Of a header that is not written as we write it: its attribute, or the name itself where we know none."""
    name = name.lower()
    return _ATTRIBUTES.get(name) or (name if name.startswith("ce_") else None)
