"""The chart as Helm renders it: real Helm (scripts/helm), its output as objects."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "deploy" / "helm" / "convmine"
EXAMPLES: Final = ROOT / "deploy" / "helm" / "examples"
SETS: Final = ("default", "minimal", "production", "oauth")
"""What is rendered: the chart's own values, the two examples, and OAUTHBEARER with everything else of Kafka."""
RELEASE: Final = "x"

Object = Mapping[str, Any]


class Refused(Exception):
    """Helm did not take the values; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container with the pod that it is in and the object that makes the pod."""

    owner: Object
    pod: Object
    spec: Object

    @property
    def component(self) -> str:
        """Such as ``asr-live``, ``gateway``, ``topics-job``."""
        return str(self.labels["app.kubernetes.io/component"])

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the pod."""
        labels: Mapping[str, str] = self.pod["metadata"]["labels"]
        return labels

    @property
    def values(self) -> dict[str, str]:
        """The variables that stand there as they are."""
        return {one["name"]: one["value"] for one in self.spec["env"] if "value" in one}

    @property
    def references(self) -> dict[str, tuple[str, str]]:
        """The variables that come from Secrets: name and key of each."""
        found = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in self.spec["env"] if "valueFrom" in one}
        return {name: (reference["name"], reference["key"]) for name, reference in found.items()}


@dataclass(frozen=True, slots=True)
class Rendered:
    """All objects of one rendering."""

    objects: tuple[Object, ...]

    def of(self, kind: str) -> tuple[Object, ...]:
        """The objects of a kind."""
        return tuple(one for one in self.objects if one["kind"] == kind)

    def by_component(self, kind: str) -> dict[str, Object]:
        """The objects of a kind by the component that they are for."""
        return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one for one in self.of(kind)}

    @property
    def containers(self) -> tuple[Container, ...]:
        """Every container, init containers included."""
        found = []
        for owner in (*self.of("Deployment"), *self.of("Job")):
            pod = owner["spec"]["template"]
            specs = [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]
            found += [Container(owner, pod, spec) for spec in specs]
        return tuple(found)

    def container(self, component: str) -> Container:
        """The container of this component."""
        (found,) = (one for one in self.containers if one.component == component)
        return found


@cache
def helm() -> str:
    """Where Helm lies; it is built where it is not yet."""
    done = subprocess.run([ROOT / "scripts" / "helm", "--path"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@cache
def rendered(name: str) -> Rendered:
    """One of ``SETS``."""
    return render(values_of(name))


def values_of(name: str) -> Object:
    """What is given of values in one of ``SETS``."""
    if name == "default":
        return {}
    if name == "oauth":
        return {"kafka": {"bootstrapServers": "kafka:9093", "security": OAUTH}, "networkPolicy": {"enabled": True}}
    given: Object = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    return given


OAUTH: Final[Object] = {
    "protocol": "SASL_SSL",
    "mechanism": "OAUTHBEARER",
    "existingSecret": "convmine-kafka",
    "ca": True,
    "clientCertificate": True,
    "keyPassword": True,
    "oauth": {"tokenUrl": "https://id.example/token", "scope": "kafka"},
}


def render(values: Object, *flags: str, chart: Path = CHART) -> Rendered:
    """What ``helm template`` makes of the chart with these values.

    Raises:
        Refused: it makes nothing.
    """
    command = [helm(), "template", RELEASE, str(chart), "--values", "-", *flags]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr)
    return Rendered(tuple(objects_of(done.stdout)))


def objects_of(text: str) -> Iterable[Object]:
    """The objects of a stream of YAML; by libyaml, which takes a tenth of the time."""
    return (one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one)


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether ``matchLabels`` fit a pod's labels."""
    return selector.items() <= labels.items()


def texts_of(value: object) -> Iterable[str]:
    """Every text in an object, however deep."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)
    elif isinstance(value, str):
        yield value
