"""Values that would do harm are refused before anything is installed, and Helm says why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from rendered import CHART, OAUTH, Refused, helm, render

LITERAL = "sk-live-1234"
REFUSED: list[tuple[str, Mapping[str, Any], str]] = [
    ("an unknown value", {"replicas": 3}, "'replicas' not allowed"),
    ("an unknown stage", {"stages": {"translate": {"batch": {}}}}, "'translate' not allowed"),
    ("a lane that a stage has not", {"stages": {"recap": {"batch": {}}}}, "'batch' not allowed"),
    ("a misspelt field of a stage", {"stages": {"asr": {"live": {"maxReplica": 2}}}}, "'maxReplica' not allowed"),
    ("a setting that is none", {"settings": {"CONVMINE_LLM_MODLE": "x"}}, "CONVMINE_LLM_MODLE"),
    ("a secret among settings", {"settings": {"CONVMINE_LLM_API_KEY": LITERAL}}, "CONVMINE_LLM_API_KEY"),
    ("a secret as it is", {"secrets": {"CONVMINE_LLM_API_KEY": LITERAL}}, "/secrets/CONVMINE_LLM_API_KEY"),
    ("a setting that the chart makes", {"settings": {"CONVMINE_RUNTIME_DRAIN_S": 90}}, "CONVMINE_RUNTIME_DRAIN_S"),
    ("a password of Kafka", {"kafka": {"security": {"password": LITERAL}}}, "'password' not allowed"),
    ("a protocol that is none", {"kafka": {"security": {"protocol": "TLS"}}}, "/kafka/security/protocol"),
    ("no partition", {"kafka": {"partitions": 0}}, "/kafka/partitions"),
    ("brokers without a port", {"kafka": {"bootstrapServers": "kafka"}}, "/kafka/bootstrapServers"),
    ("a stage with another number of digits", {"gateway": {"replicas": "2"}}, "/gateway/replicas"),
    ("nothing to drain", {"runtime": {"drainSeconds": 0}}, "/runtime/drainSeconds"),
    ("a live lane to zero", {"stages": {"asr": {"live": {"minReplicas": 0}}}}, "minReplicas"),
    ("more pods than partitions", {"stages": {"extract": {"batch": {"maxReplicas": 7}}}}, "kafka.partitions 6"),
    ("more of all than partitions", {"stageDefaults": {"maxReplicas": 7}}, "kafka.partitions 6"),
    ("more than partitions, unscaled", {"keda": {"enabled": False}, "stageDefaults": {"replicas": 7}}, "partitions 6"),
    ("a least above the most", {"stages": {"flow": {"live": {"minReplicas": 3, "maxReplicas": 2}}}}, "more than its"),
    ("a GPU image without a GPU", {"stages": {"asr": {"live": {"image": "asr-gpu"}}}}, "asr-gpu and a number in gpu"),
    ("a GPU without its image", {"stages": {"asr": {"live": {"gpu": 1}}}}, "asr-gpu and a number in gpu"),
    ("the image of speech for another", {"stages": {"flow": {"live": {"image": "asr-cpu"}}}}, "is for the stage asr"),
    ("SASL without a mechanism", {"kafka": {"security": {"protocol": "SASL_SSL"}}}, "do not go together"),
    ("a mechanism without SASL", {"kafka": {"security": {"mechanism": "PLAIN"}}}, "do not go together"),
    (
        "SASL without a Secret",
        {"kafka": {"security": {"protocol": "SASL_SSL", "mechanism": "PLAIN"}}},
        "existingSecret is needed",
    ),
    (
        "certificates without TLS",
        {"kafka": {"security": {"ca": True, "existingSecret": "kafka"}}},
        "no use for certificates",
    ),
    ("a Secret for nothing", {"kafka": {"security": {"existingSecret": "kafka"}}}, "nothing of it is used"),
    ("tokens from nowhere", {"kafka": {"security": {**OAUTH, "oauth": {"tokenUrl": ""}}}}, "oauth.tokenUrl"),
    (
        "tokens in the clear",
        {"kafka": {"security": {**OAUTH, "oauth": {"tokenUrl": "http://id.example/token"}}}},
        "tokenUrl",
    ),
    ("a password of no key", {"kafka": {"security": {**OAUTH, "clientCertificate": False}}}, "clientCertificate"),
    ("an authority for http", {"qdrant": {"ca": True, "existingSecret": "qdrant"}}, "qdrant.ca needs"),
    ("an address without TLS", {"gateway": {"ingress": {"enabled": True}}}, "gateway.ingress.tlsSecret is needed"),
    ("a gateway without keys", {"gateway": {"existingSecret": ""}}, "/gateway/existingSecret"),
    (
        "a volume over one of ours",
        {"extraVolumes": [{"name": "tmp", "volume": {"emptyDir": {}}, "mountPath": "/x"}]},
        "/extraVolumes/0/name",
    ),
]


@pytest.mark.parametrize(("values", "says"), [pytest.param(*rest, id=name) for name, *rest in REFUSED])
def test_it_is_refused(values: Mapping[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        render(values)
    assert says in str(refused.value)


def test_a_live_lane_does_not_go_to_zero_where_the_schema_is_not_asked_either() -> None:
    with pytest.raises(Refused, match="a live call cannot wait"):
        render({"stages": {"asr": {"live": {"minReplicas": 0}}}}, "--skip-schema-validation")


def test_large_whole_numbers_reach_the_program_as_they_were_written() -> None:
    container = render({"settings": {"CONVMINE_AUDIO_MAX_BYTES": 4_000_000_000}}).container("asr-batch")
    assert container.values["CONVMINE_AUDIO_MAX_BYTES"] == "4000000000"


def test_a_secret_may_come_from_a_file_that_something_else_writes() -> None:
    container = render({"settings": {"CONVMINE_LLM_API_KEY_FILE": "/vault/llm"}}).container("extract-live")
    assert container.values["CONVMINE_LLM_API_KEY_FILE"] == "/vault/llm"


def test_a_stage_that_is_off_is_not_there() -> None:
    rendered = render({"stages": {"webhook": {"batch": {"enabled": False}}}})
    for kind in ("Deployment", "ScaledObject", "PodDisruptionBudget"):
        assert "webhook-batch" not in rendered.by_component(kind)
        assert "index-batch" in rendered.by_component(kind)


def test_a_stage_can_be_of_another_version_than_the_rest() -> None:
    tags = {"jobs": {"tag": "3"}, "stages": {"index": {"live": {"tag": "3"}}}}
    found = render({"image": {"tag": "2", "digests": {"core": "sha256:" + "a" * 64}}, **tags})
    assert found.container("index-live").spec["image"] == "convmine-core:3"
    assert found.container("topics-job").spec["image"] == "convmine-core:3"
    assert found.container("flow-live").spec["image"] == "convmine-core@sha256:" + "a" * 64
    assert found.container("gateway").spec["image"] == "convmine-gateway:2"


@pytest.mark.parametrize("shared", [True, False])
def test_who_installs_is_told_what_pods_wait_for_and_what_is_missing(*, shared: bool) -> None:
    values = {"sharedVolume": {"enabled": shared}, "qdrant": {"existingSecret": "convmine-qdrant"}}
    command = [helm(), "install", "x", str(CHART), "--dry-run=client", "--values", "-"]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=True)
    _, _, notes = done.stdout.partition("NOTES:")
    for secret in ("convmine-gateway", "convmine-dashboard", "convmine-qdrant"):
        assert f"Secret {secret}: " in notes
    assert ("PersistentVolumeClaim x-convmine-shared" in notes, "No volume is shared" in notes) == (shared, not shared)


def test_an_image_by_its_digest_goes_before_its_tag() -> None:
    digest = "sha256:" + "a" * 64
    rendered = render({"image": {"registry": "registry.example/x/", "tag": "2", "digests": {"core": digest}}})
    assert rendered.container("flow-live").spec["image"] == f"registry.example/x/convmine-core@{digest}"
    assert rendered.container("gateway").spec["image"] == "registry.example/x/convmine-gateway:2"
