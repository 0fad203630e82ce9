"""The Dockerfile, as far as it can be judged without a container engine: none is where the tests run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from composed import DOCKERFILE, ROOT, image_environment
from kafka_node import free_port

from pipeline.settings import load

TARGETS = ("core", "asr-cpu", "asr-gpu", "gateway")
LOCKS = {"core": "stages", "asr-cpu": "asr-cpu", "asr-gpu": "asr-gpu", "gateway": "gateway"}
HEALTHY = ROOT / "deploy" / "docker" / "convmine-healthy"


def stages() -> dict[str, tuple[str, list[str]]]:
    """The stages by name: what each is made from, and its instructions, each on one line."""
    found: dict[str, tuple[str, list[str]]] = {}
    lines = (line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#"))
    name = ""
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if begun := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            name = begun[2]
            found[name] = begun[1], []
        elif name and line:
            found[name][1].append(line)
    return found


def instructions(target: str) -> list[str]:
    """Those of a stage after those of what it is made from."""
    base, own = stages()[target]
    return [*(instructions(base) if base in stages() else []), *own]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([str(hadolint), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_targets_are_those_that_the_charts_and_compose_name() -> None:
    assert set(TARGETS) <= set(stages())


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_nobody_of_consequence_and_says_how_it_is(target: str) -> None:
    lines = instructions(target)
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert not any(line.startswith(("RUN", "COPY", "ADD")) for line in lines[lines.index("USER 10001:10001") :])
    assert 'ENTRYPOINT ["convmine"]' in lines
    assert [line for line in lines if line.startswith("HEALTHCHECK")][-1].endswith(("]",))
    assert any("org.opencontainers.image.description" in line for line in lines)


@pytest.mark.parametrize("target", TARGETS)
def test_packages_come_from_the_lock_of_the_image_with_hashes_and_from_nowhere_else(target: str) -> None:
    installs = [
        part for line in instructions(f"packages-{target}") for part in line.split("&&") if "pip install" in part
    ]
    assert all("--require-hashes" in part for part in installs)
    assert f"/requirements/{LOCKS[target]}.txt" in installs[-1]
    lock = (ROOT / "requirements" / f"{LOCKS[target]}.txt").read_text()
    pinned = re.findall(r"^[a-zA-Z0-9._-]+==\S+.*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^\S+==", lock, re.MULTILINE)) > 50
    runs = [line for line in instructions(target) if line.startswith("RUN")]
    assert not any("pip" in line or "curl" in line or "wget" in line for line in runs)


def test_only_the_image_for_gpus_has_torch() -> None:
    with_torch = {
        target for target, lock in LOCKS.items() if "\ntorch==" in (ROOT / "requirements" / f"{lock}.txt").read_text()
    }
    assert with_torch == {"asr-gpu"}


def test_the_locks_of_the_images_agree_with_what_the_tests_run_with() -> None:
    def pinned(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))

    tested = pinned("whisper") | pinned("dev")
    several = {"av", "networkx", "scipy", "numpy", "cuda-bindings"}  # one for each range of Python versions
    for lock in LOCKS.values():
        others = {n: v for n, v in pinned(lock).items() if n in tested and v != tested[n] and n not in several}
        assert others == {}, lock


@pytest.mark.timeout(280)
def test_what_is_in_an_image_is_written_down_the_same_each_time(tmp_path: Path) -> None:
    env = {**os.environ, "CONVMINE_VENV": str(Path(sys.executable).parent.parent)}
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        command = [str(ROOT / "scripts" / "sbom"), str(folder), "core"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        written.append((folder / "convmine-core.cdx.json").read_bytes())
    assert written[0] == written[1]
    document = json.loads(written[0])
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "convmine"
    lock = (ROOT / "requirements" / "stages.txt").read_text()
    named = {f"{one['name']}=={one['version']}" for one in document["components"]}
    assert named == set(re.findall(r"^[a-zA-Z0-9._-]+==[^\s;]+", lock, re.MULTILINE))


def test_base_images_are_pinned_by_version() -> None:
    bases = re.findall(r"^ARG \w+_IMAGE=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(bases) == 2
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)
    outside = {base for base, _ in stages().values() if base not in stages()}
    assert outside == {"${PYTHON_IMAGE}", "${CUDA_IMAGE}"}


def copies() -> Iterator[str]:
    for _, lines in stages().values():
        for line in lines:
            if line.startswith("COPY") and "--from=" not in line:
                yield from (word for word in line.split()[1:-1] if not word.startswith("--"))


def test_what_is_copied_exists_and_is_let_into_the_build() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    for source in copies():
        assert (ROOT / source).exists(), source
        assert any(source == one or source.startswith(f"{one}/") for one in let_in), source
    assert all((ROOT / one).exists() for one in let_in)


def test_the_images_settings_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CONVMINE_"):
            monkeypatch.delenv(name)
    for name, value in image_environment().items():
        if name.startswith("CONVMINE_"):
            monkeypatch.setenv(name, value)
    assert load().runtime.http_port == 9464


class _Sick(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(b'{"status": "told"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        pass


def healthy(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "http_proxy": "http://127.0.0.1:1", **variables}
    command = [sys.executable, str(HEALTHY), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)


def test_the_health_check_ends_with_what_the_process_says_and_repeats_its_words() -> None:
    with HTTPServer(("127.0.0.1", 0), _Sick) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.server_port
        well = healthy(CONVMINE_RUNTIME_HTTP_PORT=str(port))
        assert (well.returncode, json.loads(well.stdout)) == (0, {"status": "told"})
        sick = healthy(f"http://127.0.0.1:{port}/readyz")
        assert sick.returncode == 1
        assert '503 {"status": "told"}' in sick.stdout
        server.shutdown()
        thread.join()


def test_where_nobody_listens_nobody_is_healthy() -> None:
    done = healthy(f"http://127.0.0.1:{free_port()}/readyz")
    assert done.returncode == 1
    assert "refused" in done.stdout
