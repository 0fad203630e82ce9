from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from pipeline.errors import Config
from pipeline.settings import RuntimeSettings
from pipeline.stages import STAGES
from workers.health import Health
from workers.measures import Measures
from workers.probes import probes_of, serve_probes

ASR = STAGES[0]


@pytest.fixture
def health() -> Health:
    return Health([ASR], stall_s=300)


@pytest.fixture
def probes(health: Health) -> Iterator[httpx.Client]:
    measures = Measures()
    measures.show(health)
    measures.of(ASR).handled.inc()
    with (
        serve_probes("127.0.0.1", 0, health, measures.registry, client_s=1.5) as (host, port),
        httpx.Client(base_url=f"http://{host}:{port}", timeout=5) as client,
    ):
        yield client


def test_healthz_says_how_the_worker_is(probes: httpx.Client, health: Health) -> None:
    answer = probes.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "starting")
    assert answer.headers["content-type"].startswith("application/json")
    health.of(ASR).assigned([])
    assert probes.get("/healthz").json()["status"] == "ok"


def test_healthz_fails_when_a_stage_is_stalled() -> None:
    impatient = Health([ASR], stall_s=0.01)
    stage = impatient.of(ASR)
    stage.assigned([("calls.recordings", 0)])
    time.sleep(0.02)
    stage.measured({("calls.recordings", 0): 1})
    with serve_probes("127.0.0.1", 0, impatient, CollectorRegistry()) as (host, port):
        answer = httpx.get(f"http://{host}:{port}/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "stalled")


def test_readyz_follows_joining_and_draining(probes: httpx.Client, health: Health) -> None:
    assert (probes.get("/readyz").status_code, probes.get("/readyz").json()["status"]) == (503, "starting")
    health.of(ASR).assigned([])
    assert (probes.get("/readyz").status_code, probes.get("/readyz").json()["status"]) == (200, "ready")
    health.drain()
    assert (probes.get("/readyz").status_code, probes.get("/readyz").json()["status"]) == (503, "draining")


def test_metrics_are_what_prometheus_reads(probes: httpx.Client) -> None:
    answer = probes.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"convmine_events", "convmine_handler_seconds", "convmine_lag", "process_resident_memory_bytes"} <= families
    assert 'convmine_events_total{lane="batch",outcome="handled",stage="asr"} 1.0' in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nothing"])
def test_head_answers_as_get_does_without_a_body(probes: httpx.Client, path: str) -> None:
    got, head = probes.get(path), probes.head(path)
    assert head.status_code == got.status_code
    assert head.headers["content-type"] == got.headers["content-type"]
    assert int(head.headers["content-length"]) > 0
    assert head.content == b""


def test_a_query_changes_nothing(probes: httpx.Client) -> None:
    assert probes.get("/healthz", params={"verbose": "1"}).status_code == 200


def test_another_path_is_not_found_and_the_answer_names_those_there_are(probes: httpx.Client) -> None:
    answer = probes.get("/")
    assert answer.status_code == 404
    assert answer.text == "there is /healthz, /metrics, /readyz\n"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_not_allowed(probes: httpx.Client, method: str) -> None:
    answer = probes.request(method, "/healthz")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.alone
def test_clients_that_hang_keep_nobody_waiting_and_are_sent_away(
    probes: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        address = (probes.base_url.host, probes.base_url.port)
        silent = [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(40)]
        for connection in silent[:20]:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        start = time.monotonic()
        assert probes.get("/healthz").status_code == 200
        assert time.monotonic() - start < 1.2, "before the first of them was sent away"
        assert [connection.recv(1) for connection in silent] == [b""] * 40
    assert capfd.readouterr().err == ""


def test_a_client_that_leaves_before_its_answer_says_nothing_on_standard_error(
    probes: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        with socket.create_connection((probes.base_url.host, probes.base_url.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert probes.get("/healthz").status_code == 200
    assert capfd.readouterr().err == ""


def test_a_port_in_use_names_its_setting(health: Health) -> None:
    with serve_probes("127.0.0.1", 0, health, CollectorRegistry()) as (host, port):
        with pytest.raises(Config, match=f"cannot listen on {host}:{port}") as caught:
            serve_probes(host, port, health, CollectorRegistry()).__enter__()
        assert caught.value.setting == "CONVMINE_RUNTIME_HTTP_PORT"


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_names_its_setting(health: Health, host: str) -> None:
    with pytest.raises(Config) as caught:
        serve_probes(host, 0, health, CollectorRegistry()).__enter__()
    assert caught.value.setting == "CONVMINE_RUNTIME_HTTP_HOST"


def test_it_is_served_on_ipv6_too_and_not_any_more_afterwards(health: Health) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with serve_probes("::1", 0, health, CollectorRegistry()) as (_host, port):
        assert json.loads(httpx.get(f"http://[::1]:{port}/healthz").content)["status"] == "starting"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://[::1]:{port}/healthz")


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_nobody_listens_where_the_settings_name_no_port(health: Health) -> None:
    with probes_of(RuntimeSettings(), health, CollectorRegistry()) as address:
        assert address is None
    with probes_of(RuntimeSettings(http_port=0), health, CollectorRegistry()) as address:
        assert address is not None
        assert httpx.get(f"http://{address[0]}:{address[1]}/healthz").json()["status"] == "starting"
