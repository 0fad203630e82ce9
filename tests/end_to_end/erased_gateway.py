"""A gateway process, the calls that come in by it, and what it gives and takes of one that was erased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from processes import served, wait_until

from pipeline.access.keys import new_key
from workers.gateway.key_file import change_keys


@dataclass(frozen=True)
class Gateway:
    """A gateway of the installation, and the calls that come in by it."""

    url: str
    key: str
    uploads: Path

    def post(self, path: str, body: Any = None, **given: Any) -> int:
        return self.asked("POST", f"/v1/calls{path}", json=body, **given).status_code

    def asked(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=30, **given)

    def begin(self, call_id: str, word: str) -> None:
        """A chat that goes on; something is uploaded for it, too, in which no stage can hear anything."""
        facts = {"call_id": call_id, "medium": "text", "agent": "ann", "scenario": "telecom", "language": "en"}
        assert self.post("", facts) == 201
        assert self.say(call_id, f"i want to cancel my contract {word}") == 201
        assert self.post(f"/{call_id}/recordings", content=f"RIFF {word}".encode()) == 201
        assert self.live() >= {call_id}

    def say(self, call_id: str, text: str) -> int:
        return self.post(f"/{call_id}/messages", {"role": "customer", "text": text})

    def live(self) -> set[str]:
        """The calls of the live view."""
        return {one["call_id"] for one in self.asked("GET", "/v1/live").json()["items"]}

    def told(self, until: str, since: str | None = None) -> tuple[str, str]:
        """The mark of the first event of a stream that begins there, and all until something is said."""
        headers = {"Authorization": f"Bearer {self.key}", **({} if since is None else {"Last-Event-ID": since})}
        query = {"of": "transcript,suggestions", "from": "start"}
        first, lines = "", list[str]()
        with httpx.stream("GET", f"{self.url}/v1/streams", params=query, headers=headers, timeout=60) as response:
            for line in response.iter_lines():
                first = first or (line[4:] if line.startswith("id: ") else "")
                lines.append(line)
                if until in line:
                    return first, "\n".join(lines)
        raise AssertionError(f"{until} was not said: {lines}")

    def check_forgotten(self, call_id: str, word: str, other: str, mark: str) -> None:
        """It gives nothing of a call from a mark before it, from the start, or in views, and takes nothing of it."""
        assert self.say(call_id, f"still here {word}") == 409, "it has ended"
        assert self.post(f"/{call_id}/recordings", content=b"RIFF again") == 410
        assert self.say(other, "that is all") == 201
        for since in (mark, None):
            _, told = self.told("that is all", since)
            assert other in told
            assert call_id not in told
            assert word not in told
        assert self.live() == {other}
        assert (self.uploads / other).exists()
        assert not (self.uploads / call_id).exists()


@contextmanager
def gateway(env: Mapping[str, str], folder: Path) -> Iterator[Gateway]:
    """A gateway of the installation with these settings, until the block is left; its uploads are in ``folder``."""
    made = new_key(("publish", "supervisor"), tenant="default", now=datetime.now(UTC))
    change_keys(Path(env["CONVMINE_GATEWAY_KEYS"]), lambda keyring: keyring.with_key(made.kept))
    with served("gateway", env, folder / "gateway.log", seconds=90) as (url, _):
        wait_until(lambda: httpx.get(f"{url}/readyz").status_code == 200, seconds=90, logs=folder)
        yield Gateway(url, made.text.get_secret_value(), folder / "uploads" / "default")
