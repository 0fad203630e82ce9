"""What the chart promises of every pod, in every rendering: what it runs, as whom, with what, and how it ends."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from rendered import CHART, OAUTH, SETS, Container, objects_of, render, rendered, selects, texts_of

from pipeline.errors import Config
from pipeline.settings import PREFIX, Settings, load
from pipeline.stages import STAGES, stage_named
from schemas.wire import Lane
from workers.cli import cli
from workers.processes import _LEAVING_S

WEB = {"gateway": ("CONVMINE_GATEWAY_PORT", "8080"), "dashboard": ("CONVMINE_DASHBOARD_PORT", "8090")}


def runs_for_ever(container: Container) -> bool:
    return bool(container.owner["kind"] == "Deployment")


def settings_of(container: Container, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as the program reads them there; each secret is something that may stand in it."""
    special = {"CONVMINE_PRIVACY_STORAGE_KEYS": Fernet.generate_key().decode()}
    with monkeypatch.context() as environment:
        for variable, value in container.values.items():
            environment.setenv(variable, value)
        for variable in container.references:
            environment.setenv(variable, special.get(variable, "secret-of-the-test-of-32-characters"))
        return load()


def test_the_stages_are_those_of_the_topology() -> None:
    (values,) = objects_of((CHART / "values.yaml").read_text(encoding="utf-8"))
    given = {
        (name, lane): tuple(stage["topics"])
        for name, lanes in values["stages"].items()
        for lane, stage in lanes.items()
    }
    assert given == {(stage.name, str(stage.lane)): stage.reads for stage in STAGES}


@pytest.mark.parametrize("name", SETS)
def test_what_a_container_runs_is_a_command(name: str) -> None:
    for container in rendered(name).containers:
        done = CliRunner().invoke(cli, [*container.spec["args"], "--help"])
        assert done.exit_code == 0, done.output
        assert "command" not in container.spec
        if "worker" in container.spec["args"]:
            _, stage_name, _, lane = container.spec["args"]
            stage = stage_named(stage_name, Lane(lane))
            assert stage is not None
            assert container.component == f"{stage.name}-{stage.lane}"


@pytest.mark.parametrize("name", SETS)
def test_the_program_takes_the_settings_of_a_container(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for container in rendered(name).containers:
        settings = settings_of(container, monkeypatch)
        assert settings.runtime.http_host == "0.0.0.0"
        assert settings.runtime.http_port == 9464
        assert settings.store.url is not None
        if container.component in WEB:
            variable, port = WEB[container.component]
            assert container.values[variable] == port


def test_variables_that_kubernetes_makes_for_services_would_stop_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_GATEWAY_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(Config, match="CONVMINE_GATEWAY_SERVICE_HOST"):
        load()


@pytest.mark.parametrize("name", SETS)
def test_a_container_may_do_next_to_nothing(name: str) -> None:
    for container in rendered(name).containers:
        pod, own = container.pod["spec"], container.spec["securityContext"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert pod["securityContext"]["runAsNonRoot"] is own["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not {"privileged", "runAsUser"} & own.keys()


@pytest.mark.parametrize("name", SETS)
def test_what_is_written_has_a_volume_and_nothing_of_the_machine_is_mounted(name: str) -> None:
    for container in rendered(name).containers:
        mounts = {one["mountPath"]: one["name"] for one in container.spec["volumeMounts"]}
        volumes = {one["name"]: one for one in container.pod["spec"]["volumes"]}
        assert set(mounts.values()) == set(volumes)
        assert {"/tmp", "/var/lib/convmine"} <= mounts.keys()
        assert all("sizeLimit" in volumes[mounts[path]]["emptyDir"] for path in ("/tmp", "/var/lib/convmine"))
        assert not any("hostPath" in volume for volume in volumes.values())
        for variable, value in container.values.items():
            if value.startswith("/") and not value.startswith("/var/lib/convmine/"):
                assert any(value.startswith(f"{path}/") for path in mounts), variable


@pytest.mark.parametrize("name", SETS)
def test_a_container_asks_for_cpu_and_memory_and_is_bounded(name: str) -> None:
    for container in rendered(name).containers:
        resources = container.spec["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        assert "memory" in resources["limits"]
        assert resources["limits"].get("nvidia.com/gpu", 0) == (1 if "asr-gpu" in container.spec["image"] else 0)


@pytest.mark.parametrize("name", SETS)
def test_a_process_is_asked_how_it_is_and_gets_time_to_end(name: str) -> None:
    for container in rendered(name).containers:
        if not runs_for_ever(container):
            continue
        pages = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
        for probe, page in pages.items():
            assert container.spec[probe]["httpGet"] == {"path": page, "port": "health"}
        ports = {one["name"]: one["containerPort"] for one in container.spec["ports"]}
        assert ports["health"] == int(container.values["CONVMINE_RUNTIME_HTTP_PORT"])
        drain_s, grace_s = float(container.values["CONVMINE_RUNTIME_DRAIN_S"]), container.pod["spec"]
        assert grace_s["terminationGracePeriodSeconds"] > drain_s + _LEAVING_S


@pytest.mark.parametrize("name", SETS)
def test_pods_of_a_stage_stand_apart_and_leave_one_at_a_time(name: str) -> None:
    budgets = rendered(name).of("PodDisruptionBudget")
    for container in rendered(name).containers:
        if runs_for_ever(container):
            (budget,) = (one for one in budgets if selects(one["spec"]["selector"]["matchLabels"], container.labels))
            assert budget["spec"]["maxUnavailable"] == 1
            spread = container.pod["spec"]["topologySpreadConstraints"]
            assert {one["topologyKey"] for one in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
            assert all(selects(one["labelSelector"]["matchLabels"], container.labels) for one in spread)


@pytest.mark.parametrize("name", SETS)
def test_a_deployment_and_a_service_find_their_pods_and_no_others(name: str) -> None:
    containers = [one for one in rendered(name).containers if runs_for_ever(one)]
    for deployment in rendered(name).of("Deployment"):
        (found,) = (one for one in containers if selects(deployment["spec"]["selector"]["matchLabels"], one.labels))
        assert found.owner == deployment
    for component, service in rendered(name).by_component("Service").items():
        (found,) = (one for one in rendered(name).containers if selects(service["spec"]["selector"], one.labels))
        assert found.component == component
        assert service["spec"]["ports"][0]["targetPort"] in {port["name"] for port in found.spec["ports"]}


def test_secrets_stand_nowhere_but_by_reference() -> None:
    secrets = set(load_secret_names())
    for name in SETS:
        assert not rendered(name).of("Secret")
        for container in rendered(name).containers:
            assert not secrets & container.values.keys()
            assert all(reference for pair in container.references.values() for reference in pair)


def load_secret_names() -> list[str]:
    from pipeline.settings.secret_files import secret_variables

    return list(secret_variables(Settings, PREFIX))


def test_a_secret_goes_only_to_who_needs_it() -> None:
    having = {
        variable: {one.component for one in rendered("production").containers if variable in one.references}
        for variable in ("CONVMINE_LLM_API_KEY", "CONVMINE_AUDIO_S3_SECRET_KEY", "CONVMINE_GATEWAY_TWILIO_TOKEN")
    }
    assert having["CONVMINE_LLM_API_KEY"] == {
        *("extract-batch", "extract-live", "suggest-batch", "suggest-live", "index-batch", "index-live", "recap-live"),
        *("gateway", "dashboard", "store-job"),
    }
    assert having["CONVMINE_AUDIO_S3_SECRET_KEY"] == {"asr-batch", "dashboard"}
    assert having["CONVMINE_GATEWAY_TWILIO_TOKEN"] == {"gateway"}


@pytest.mark.parametrize("secured", ["PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"])
def test_what_kafka_is_shown_reaches_the_program(secured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = secured == "OAUTHBEARER"
    security = OAUTH if token else {**OAUTH, "mechanism": secured, "oauth": {}}
    found = render({"kafka": {"security": security}})
    kafka = settings_of(found.container("topics-job"), monkeypatch).kafka
    assert (kafka.security_protocol, kafka.sasl_mechanism) == ("SASL_SSL", secured)
    assert (kafka.username is None, kafka.oauth_client_id is None) == (token, not token)
    assert kafka.key_password is not None
    assert str(kafka.ca_file) == "/etc/convmine/kafka/ca.crt"
    (authentication,) = found.of("TriggerAuthentication")
    parameters = {one["parameter"]: one["key"] for one in authentication["spec"]["secretTargetRef"]}
    assert parameters == {
        "username": "oauth-client-id" if token else "username",
        "password": "oauth-client-secret" if token else "password",
        "ca": "ca.crt",
        "cert": "tls.crt",
        "key": "tls.key",
        "keyPassword": "key-password",
    }
    named = {one["name"] for one in authentication["spec"].get("env", ())}
    assert named == ({"CONVMINE_KAFKA_OAUTH_TOKEN_URL", "CONVMINE_KAFKA_OAUTH_SCOPE"} if token else set())
    assert named <= found.container("asr-live").values.keys()


@pytest.mark.parametrize("name", SETS)
def test_before_pods_start_jobs_make_topics_and_then_the_store(name: str) -> None:
    jobs = rendered(name).by_component("Job")
    hooks = {component: one["metadata"]["annotations"] for component, one in jobs.items()}
    assert all(one["helm.sh/hook"] == "pre-install,pre-upgrade" for one in hooks.values())
    weights = {component: int(one["helm.sh/hook-weight"]) for component, one in hooks.items()}
    assert sorted(weights, key=lambda component: weights[component]) == ["topics-job", "store-job"]
    for job in jobs.values():  # nothing of the chart is there before its first install
        pod = job["spec"]["template"]["spec"]
        assert "serviceAccountName" not in pod
        assert not any("persistentVolumeClaim" in volume for volume in pod["volumes"] if volume["name"] == "shared")


def test_nothing_in_the_values_that_ship_looks_like_a_secret() -> None:
    (values,) = objects_of((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert values["secrets"] == {}
    assert not [text for text in texts_of(values) if text.startswith(("sk-", "Bearer ", "-----BEGIN"))]
