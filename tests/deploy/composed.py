"""deploy/compose.yaml as Compose's own loader has it, and its services as processes of this machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from kafka_node import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = ROOT / "deploy" / "compose.yaml"
DOCKERFILE: Final = ROOT / "deploy" / "docker" / "Dockerfile"
VOLUME: Final = "/var/lib/convmine"
_PORTS: Final = {"CONVMINE_RUNTIME_HTTP_PORT": 9464, "CONVMINE_GATEWAY_PORT": 8080, "CONVMINE_DASHBOARD_PORT": 8090}
"""What a process listens on, and where: in a container each has all ports for itself."""


def loaded(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the loader says of these files and profiles."""
    script = ROOT / "scripts" / "compose-check"
    return subprocess.run([str(script), *arguments], capture_output=True, text=True, timeout=280, check=False)


@cache
def services(*profiles: str) -> Mapping[str, Any]:
    """The services with these profiles on, by name; ``*`` is all."""
    done = loaded(*(word for profile in profiles for word in ("-profile", profile)))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def ours(*profiles: str) -> dict[str, Any]:
    """Those that run an image of convmine."""
    return {name: one for name, one in services(*profiles).items() if one["image"].startswith("convmine-")}


def image_environment() -> dict[str, str]:
    """What the stage ``runtime`` of the Dockerfile, which all images but the one for GPUs are made from, sets."""
    stage = DOCKERFILE.read_text().split(" AS runtime\n")[1].split("\nFROM ")[0]
    lines = re.search(r"^ENV ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    assert lines is not None
    return dict(one.split("=", 1) for one in lines[1].replace("\\\n", " ").split())


@dataclass(frozen=True)
class Here:
    """Where the services run without containers: the names of other hosts, and a folder instead of the volume."""

    folder: Path
    hosts: Mapping[str, str]
    ports: dict[tuple[str, int], int] = field(default_factory=dict)

    def environment(self, name: str) -> dict[str, str]:
        """What the image and compose.yaml set, as it is to be here."""
        image = {key: value for key, value in image_environment().items() if key.startswith("CONVMINE_")}
        given = image | services("*")[name]["environment"]
        home = self.folder / "home"
        ports = {variable: str(self.port(name, number)) for variable, number in _PORTS.items()}
        return {key: self._here(value) for key, value in given.items()} | ports | {"HOME": str(home)}

    def health(self, name: str) -> list[str]:
        """The command that asks whether the service is healthy."""
        kind, program, address = services("*")[name]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "convmine-healthy")
        found = re.fullmatch(r"(http://127\.0\.0\.1):(\d+)(/\w+)", address)
        assert found is not None, address
        here = f"{found[1]}:{self.port(name, int(found[2]))}{found[3]}"
        return [sys.executable, str(ROOT / "deploy" / "docker" / "convmine-healthy"), here]

    def port(self, name: str, number: int) -> int:
        """The port of this machine for this one of a container."""
        return self.ports.setdefault((name, number), free_port())

    def prepare(self) -> None:
        """The volume, and the home that the image makes: a link in it leads there."""
        data, share = self.folder / "data", self.folder / "home" / ".local" / "share"
        data.mkdir()
        share.mkdir(parents=True)
        (share / "convmine").symlink_to(data)

    def words(self, command: list[str]) -> list[str]:
        """The words of a command with the folder instead of the volume."""
        return [self._here(word) for word in command]

    def _here(self, value: str) -> str:
        for host, here in self.hosts.items():
            value = value.replace(host, here)
        return value.replace(VOLUME, str(self.folder / "data"))
