"""One recorded call through a gateway and all stages, each hop over real Kafka, with its trace in a file.

``python tests/end_to_end/traced_call.py PICTURE.svg`` (or ``scripts/trace-picture``) draws it, with a Kafka of its own.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
from kafka_node import kafka_node
from processes import CONVMINE, convmine, convmine_json, environment, is_idle, running, served, wait_until

from pipeline import samples
from pipeline.stages import stages_of
from schemas.wire import Lane

CALL: Final = samples.folder() / "calls" / "call-04-bad-moment.ogg"
CALLER: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_ABOUT: Final = {"language": "en", "scenario": "telecom", "roles": ["customer", "agent"]}


def traced_call(folder: Path, kafka_servers: str) -> Path:
    """The spans of the call, when all stages have done with it and their processes have ended."""
    spans = folder / "spans.jsonl"
    shared = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
        "CONVMINE_KAFKA_TOPIC_PREFIX": f"{folder.name}.",
        "CONVMINE_KAFKA_PARTITIONS": "1",
        "CONVMINE_TRACING_EXPORT": "file",
        "CONVMINE_TRACING_PATH": str(spans),
        "CONVMINE_TRACING_SHOW_CALLS": "true",
        "CONVMINE_TENANT": "acme",
        "CONVMINE_ASR_ENGINE": "pocketsphinx",
        "CONVMINE_AUDIO_ALLOWED_ROOTS": str(folder),
        "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
        "CONVMINE_EXTRACT_EXTRACTOR": "llm",
        "CONVMINE_LLM_CACHE_PATH": str(folder / "answers.sqlite"),
        "CONVMINE_STORE_EMBEDDER": "hashing",
        "CONVMINE_GATEWAY_KEYS": str(folder / "keys.json"),
        "CONVMINE_GATEWAY_UPLOADS": str(folder / "uploads"),
    }
    env = environment({**shared, "CONVMINE_STORE_PATH": str(folder / "qdrant")})
    convmine("topics", "apply", env=env)
    key = convmine_json("keys", "new", "--tenant", "acme", "--scope", "publish", env=env)["key"]
    with ExitStack() as stack:
        model = stack.enter_context(running([*CONVMINE, "fake-llm", "--port", "0"], env, folder / "fake-llm.log"))
        assert model.pid
        wait_until(lambda: "http://" in (folder / "fake-llm.log").read_text(), seconds=60, logs=folder)
        env["CONVMINE_LLM_BASE_URL"] = (folder / "fake-llm.log").read_text().split()[0]
        stack.enter_context(running([*CONVMINE, "worker", "all"], env, folder / "worker.log"))
        gateway = {
            **env,
            "CONVMINE_STORE_PATH": str(folder / "gateway"),
            "CONVMINE_TRACING_SERVICE": "convmine-gateway",
        }
        url, _ = stack.enter_context(served("gateway", gateway, folder / "gateway.log", seconds=90))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "audio/ogg", "traceparent": CALLER}
        wait_until(lambda: _uploaded(f"{url}/v1/calls/traced-1/recordings", headers), seconds=60, logs=folder)
        wait_until(lambda: bool(_known(env, "flow.graph")) and _idle(env), seconds=240, logs=folder)
    return spans


def _uploaded(url: str, headers: dict[str, str]) -> bool:
    """Whether the gateway has reached Kafka by now, and has taken the recording."""
    answer = httpx.post(url, content=CALL.read_bytes(), params=_ABOUT, headers=headers, timeout=30)
    assert answer.status_code in {201, 503}, answer.text
    return answer.status_code == 201


def _idle(env: dict[str, str]) -> bool:
    return is_idle(env, *stages_of(Lane.BATCH))


def _known(env: dict[str, str], topic: str) -> str:
    return convmine("topics", "tail", topic, "--from-start", "--no-follow", "--json", env=env).stdout


def main() -> None:
    """Draw the trace into the file that is named."""
    with tempfile.TemporaryDirectory(prefix="trace-") as name, kafka_node(Path(name)) as servers:
        spans = traced_call(Path(name), servers)
        title = "One recorded call: gateway, speech recognition, intents, flow, suggestions, store"
        show = ["--call", "traced-1", "--title", title, "--out", sys.argv[1]]
        convmine("trace", "show", str(spans), *show, env=environment({"CONVMINE_TENANT": "acme"}))


if __name__ == "__main__":
    main()
