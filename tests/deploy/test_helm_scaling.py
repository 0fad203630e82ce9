"""How many pods of a stage there are: KEDA asks what the stage's own consumer group has left to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rendered import SETS, Refused, render, rendered

from pipeline.stages import STAGES, Stage, stage_named
from schemas.wire import Lane

SCALED = [name for name in SETS if name != "minimal"]


def stage_of(component: str) -> Stage:
    name, _, lane = component.rpartition("-")
    stage = stage_named(name, Lane(lane))
    assert stage is not None
    return stage


@pytest.mark.parametrize("name", SCALED)
def test_every_stage_is_scaled_by_what_its_group_has_left_of_each_topic(name: str) -> None:
    scaled = rendered(name).by_component("ScaledObject")
    assert {stage_of(component) for component in scaled} == set(STAGES)
    for component, scaler in scaled.items():
        stage, container = stage_of(component), rendered(name).container(component)
        prefix = container.values["CONVMINE_KAFKA_TOPIC_PREFIX"]
        triggers = [trigger["metadata"] for trigger in scaler["spec"]["triggers"]]
        assert [trigger["topic"] for trigger in triggers] == [prefix + topic for topic in stage.reads]
        assert {trigger["consumerGroup"] for trigger in triggers} == {prefix + stage.group}
        assert {trigger["bootstrapServers"] for trigger in triggers} == {
            container.values["CONVMINE_KAFKA_BOOTSTRAP_SERVERS"]
        }
        # What a worker does that has committed nothing; and the Kafka of 4.0 no longer speaks the protocol of 1.0.
        assert {trigger["offsetResetPolicy"] for trigger in triggers} == {"earliest"}
        assert all(int(trigger["version"].split(".")[0]) >= 2 for trigger in triggers)


@pytest.mark.parametrize("name", SCALED)
def test_a_stage_has_at_most_as_many_pods_as_partitions_and_a_live_one_at_least_one(name: str) -> None:
    for component, scaler in rendered(name).by_component("ScaledObject").items():
        partitions = int(rendered(name).container(component).values["CONVMINE_KAFKA_PARTITIONS"])
        least, most = scaler["spec"]["minReplicaCount"], scaler["spec"]["maxReplicaCount"]
        assert least <= most <= partitions
        assert least >= (1 if stage_of(component).lane is Lane.LIVE else 0)


def test_batch_stages_go_to_zero_unless_told_otherwise() -> None:
    scaled = rendered("default").by_component("ScaledObject")
    least = {component: one["spec"]["minReplicaCount"] for component, one in scaled.items()}
    assert {component for component, count in least.items() if count == 0} == {
        f"{stage.name}-{stage.lane}" for stage in STAGES if stage.lane is Lane.BATCH
    }


def test_who_scales_is_alone_with_the_number_of_pods() -> None:
    for scaler in rendered("default").of("ScaledObject"):
        (target,) = (
            one
            for one in rendered("default").of("Deployment")
            if one["metadata"]["name"] == scaler["spec"]["scaleTargetRef"]["name"]
        )
        assert "replicas" not in target["spec"]
    for deployment in rendered("minimal").of("Deployment"):
        assert deployment["spec"]["replicas"] == 1
    assert not rendered("minimal").of("ScaledObject")


@hypothesis_settings(max_examples=12, deadline=None)
@given(partitions=st.integers(1, 12), least=st.integers(0, 12), most=st.integers(1, 12), live=st.booleans())
def test_no_values_get_past_the_bounds(partitions: int, least: int, most: int, *, live: bool) -> None:
    stages = {"extract": {"live" if live else "batch": {"minReplicas": least, "maxReplicas": most}}}
    values = {"kafka": {"partitions": partitions}, "stages": stages}
    allowed = (1 if live else 0) <= least <= most <= partitions
    try:
        found = render(values).by_component("ScaledObject")["extract-live" if live else "extract-batch"]
    except Refused:
        assert not allowed
    else:
        assert allowed
        assert (found["spec"]["minReplicaCount"], found["spec"]["maxReplicaCount"]) == (least, most)


def test_prometheus_expects_a_worker_of_the_stages_that_do_not_go_to_zero() -> None:
    monitored = {"monitoring": {"prometheusRule": {"enabled": True}}}
    for keda, expected in ((True, Lane.LIVE), (False, None)):
        found = render({**monitored, "keda": {"enabled": keda}})
        groups = [group for rule in found.of("PrometheusRule") for group in rule["spec"]["groups"]]
        (group,) = (one for one in groups if one["name"] == "convmine-expected")
        stages = {(rule["labels"]["stage"], rule["labels"]["lane"]) for rule in group["rules"]}
        assert stages == {
            (stage.name, str(stage.lane)) for stage in STAGES if expected is None or stage.lane is expected
        }
