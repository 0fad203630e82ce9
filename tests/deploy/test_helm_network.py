"""Who may talk to whom: the rendered NetworkPolicies, read as Kubernetes reads them (all that select a pod add up)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from rendered import CHART, ROOT, SETS, Container, Rendered, objects_of, render, rendered, selects

PUBLIC, METADATA, PRIVATE = "93.184.216.34", "169.254.169.254", "10.1.2.3"


def policies(found: Rendered, container: Container, direction: str) -> Iterator[Mapping[str, Any]]:
    for policy in found.of("NetworkPolicy"):
        spec = policy["spec"]
        if direction in spec["policyTypes"] and selects(spec["podSelector"]["matchLabels"], container.labels):
            yield spec


def may_reach(found: Rendered, component: str, address: str, port: int) -> bool:
    """Whether TCP may go out to an address outside of the cluster."""
    container = found.container(component)
    rules = [rule for spec in policies(found, container, "Egress") for rule in spec.get("egress", ())]
    return any(
        {"port": port, "protocol": "TCP"} in rule["ports"]
        and ("to" not in rule or any(within(peer, address) for peer in rule["to"]))
        for rule in rules
    )


def within(peer: Mapping[str, Any], address: str) -> bool:
    block = peer.get("ipBlock")
    if block is None:
        return False
    there = ip_address(address)
    return there in ip_network(block["cidr"]) and not any(there in ip_network(one) for one in block.get("except", ()))


@pytest.mark.parametrize("name", SETS)
def test_nothing_goes_in_or_out_of_any_pod_unless_a_policy_names_it(name: str) -> None:
    (deny,) = (one for one in rendered(name).of("NetworkPolicy") if one["metadata"]["name"].endswith("-deny"))
    assert deny["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & deny["spec"].keys()
    for container in rendered(name).containers:
        assert selects(deny["spec"]["podSelector"]["matchLabels"], container.labels)


def test_every_pod_reaches_kafka_qdrant_and_names_and_not_the_rest() -> None:
    found = rendered("default")
    for container in found.containers:
        open_to = {
            port
            for port in (22, 53, 80, 6333, 9092, 9093, 8080)
            if may_reach(found, container.component, PRIVATE, port)
        }
        assert open_to == {53, 6333, 9092, 9093}


def test_only_who_has_business_on_the_internet_gets_there() -> None:
    found = rendered("default")
    out = {one.component for one in found.containers if may_reach(found, one.component, PUBLIC, 443)}
    assert out == {
        *("asr-batch", "asr-live", "extract-batch", "extract-live", "suggest-batch", "suggest-live"),
        *("index-batch", "index-live", "recap-live", "webhook-batch", "gateway", "dashboard", "store-job"),
    }


@pytest.mark.parametrize("address", [METADATA, PRIVATE, "172.16.0.1", "192.168.1.1", "127.0.0.1", "fd00::1", "fe80::1"])
def test_who_gets_to_the_internet_gets_to_no_private_address_by_that(address: str) -> None:
    found = rendered("default")
    assert not [one.component for one in found.containers if may_reach(found, one.component, address, 443)]


def test_tokens_can_be_fetched_from_everywhere_where_kafka_wants_them() -> None:
    assert may_reach(rendered("oauth"), "flow-live", PUBLIC, 443)
    assert not may_reach(rendered("default"), "flow-live", PUBLIC, 443)


def test_peers_that_are_named_are_the_only_ones() -> None:
    found = rendered("production")
    assert may_reach(found, "flow-live", "10.20.0.7", 9093)
    assert not may_reach(found, "flow-live", PRIVATE, 9093)
    assert not may_reach(found, "extract-live", PUBLIC, 443)


@pytest.mark.parametrize("name", SETS)
def test_from_outside_only_pages_and_metrics_are_reached(name: str) -> None:
    for container in rendered(name).containers:
        rules = [rule for spec in policies(rendered(name), container, "Ingress") for rule in spec.get("ingress", ())]
        ports = {port["port"] for rule in rules for port in rule["ports"]}
        assert ports == ({"health", "web"} if container.component in {"gateway", "dashboard"} else {"health"})
        if name == "production":
            assert all(rule["from"] for rule in rules)


def test_metrics_of_every_process_are_read_under_the_jobs_that_the_rules_ask_for() -> None:
    found = rendered("production")
    (monitor,) = found.of("PodMonitor")
    jobs = set()
    for container in found.containers:
        if container.owner["kind"] == "Deployment":
            assert selects(monitor["spec"]["selector"]["matchLabels"], container.labels)
            jobs.add(container.labels[monitor["spec"]["jobLabel"]])
    (prometheus,) = objects_of((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert jobs == {one["job_name"] for one in prometheus["scrape_configs"]} - {"prometheus"}


def test_the_rules_are_those_of_prometheus_rule_files() -> None:
    shipped = [group for path in rule_files() for group in next(iter(objects_of(path.read_text("utf-8"))))["groups"]]
    found = [group for rule in rendered("production").of("PrometheusRule") for group in rule["spec"]["groups"]]
    names = [group["name"] for group in shipped]
    assert sorted(group["name"] for group in found) == sorted(names)
    for group in shipped:
        if group["name"] != "convmine-expected":
            assert group in found


def rule_files() -> list[Path]:
    found = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
    assert found
    assert [path.name for path in sorted((CHART / "files" / "rules").glob("*.yml"))] == [path.name for path in found]
    return found


def test_without_policies_there_are_none() -> None:
    assert not render({"networkPolicy": {"enabled": False}}).of("NetworkPolicy")
