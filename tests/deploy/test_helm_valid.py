"""What Helm makes of the chart is valid: by Helm's lint, Kubernetes' schemas, and the fields of KEDA and Prometheus."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft7Validator
from rendered import CHART, ROOT, SETS, helm, objects_of, render, rendered, values_of

OLDEST, NEWEST = "1.30", "1.37"
OPERATORS = json.loads((Path(__file__).parent / "operators.schema.json").read_text(encoding="utf-8"))


def is_of_an_operator(api_version: str) -> bool:
    return api_version.startswith(("keda.sh/", "monitoring.coreos.com/"))


@pytest.mark.parametrize("name", SETS)
def test_helm_finds_nothing_to_complain_of(name: str) -> None:
    command = [helm(), "lint", "--strict", str(CHART), "--values", "-"]
    done = subprocess.run(command, input=json.dumps(values_of(name)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "version"), [*((name, NEWEST) for name in SETS), ("production", OLDEST)])
def test_every_object_of_kubernetes_is_what_kubernetes_takes(name: str, version: str) -> None:
    objects = [one for one in rendered(name).objects if not is_of_an_operator(one["apiVersion"])]
    assert len(objects) > 20
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)


def test_what_kubernetes_does_not_know_would_be_found() -> None:
    deployment = json.loads(json.dumps(rendered("default").of("Deployment")[0]))
    deployment["spec"]["template"]["spec"]["terminationGraceSeconds"] = 60
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, NEWEST, strict=True)


@pytest.mark.parametrize("name", SETS)
def test_every_object_of_an_operator_has_its_fields_and_no_others(name: str) -> None:
    for one in rendered(name).objects:
        if is_of_an_operator(one["apiVersion"]):
            Draft7Validator({**OPERATORS, "$ref": f"#/definitions/{one['kind']}"}).validate(one)


def test_the_examples_have_objects_of_every_operator() -> None:
    kinds = {one["kind"] for one in rendered("production").objects if is_of_an_operator(one["apiVersion"])}
    assert kinds == {"ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule"}


@pytest.mark.parametrize("name", SETS)
def test_no_two_objects_have_one_name(name: str) -> None:
    names = [(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in rendered(name).objects]
    assert len(set(names)) == len(names)


def test_the_chart_is_of_the_version_that_the_package_has() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["appVersion"] == project["version"]
    assert chart["kubeVersion"] == f">={OLDEST}.0-0"


def test_the_chart_as_a_package_makes_the_same(tmp_path: Path) -> None:
    command = [helm(), "package", str(CHART), "--destination", str(tmp_path)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    (package,) = tmp_path.glob("*.tgz")
    values = values_of("production")
    assert render(values, chart=package) == render(values)


@pytest.mark.parametrize("release", ["a", "convmine", "a-release-whose-name-is-as-long-as-names-may-be-here"])
def test_names_stay_within_what_kubernetes_takes(release: str) -> None:
    command = [helm(), "template", release, str(CHART)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [one["metadata"]["name"] for one in objects_of(done.stdout)]
    assert max(map(len, names)) <= 63
    assert all(name.startswith(release[:30]) for name in names)


def test_the_schema_of_the_values_knows_every_setting() -> None:
    done = subprocess.run(
        [Path(ROOT, "scripts", "helm-settings"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
