"""What we put on Kafka, read by the CloudEvents project's own package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

import schemas
from schemas.envelope import encode, message, to_headers
from schemas.registry import PAYLOADS

EXAMPLES = Path(schemas.__file__).parent / "examples"


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_the_cloudevents_package_reads_every_event(name: str) -> None:
    document = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    value = document.get("value") or json.loads(document["headers"]["convmine-chunk"])
    payload = PAYLOADS[name].model_validate(value)
    headers = document["headers"]
    envelope = message(
        payload,
        id=headers["ce_id"],
        source=headers["ce_source"],
        time=headers["ce_time"],
        subject=headers["ce_subject"],
        tenant_id=headers["ce_tenantid"],
        key=document["key"],
    ).envelope

    record = KafkaMessage(dict(to_headers(envelope)), envelope.partitionkey.encode(), encode(payload))
    event = from_binary(record, JSONFormat())

    assert event.get_attributes() == {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": f"io.convmine.{name}.v1",
        "time": envelope.time,
        "subject": envelope.subject,
        "partitionkey": document["key"],
        "tenantid": envelope.tenantid,
        "dataschema": f"urn:convmine:schema:{name}:{'.'.join(map(str, PAYLOADS[name].version))}",
        "datacontenttype": "application/json",
    }
    assert event.get_data() == value
